-- What may be asked of a ModelDeployment now: what its operator would carry out, and not ignore.
local status = obj.status or {}
local candidate, stable, rejected = status.candidate, status.stable, status.rejected
local paused = { status = "False" }
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Paused" then
    paused = condition
  end
end
local beside = candidate ~= nil and stable ~= nil
local waits = candidate ~= nil and paused.status == "True"

-- The revision before the one that serves, as far as the history reaches; the last entry counts.
local before = nil
for _, entry in ipairs(status.history or {}) do
  if stable ~= nil and entry.verdict == "Promoted" and entry.toRevision == stable.revision then
    before = entry.fromRevision
  end
end
local scale = (obj.spec or {}).scale or {}
local undoable = before ~= nil and candidate == nil and scale.replicas ~= 0

return {
  ["promote"] = { ["disabled"] = not beside, ["displayName"] = "Promote without waiting for evidence" },
  ["abort"] = { ["disabled"] = not beside, ["displayName"] = "Take the candidate back" },
  ["pause"] = { ["disabled"] = candidate == nil or waits, ["displayName"] = "Pause" },
  ["resume"] = { ["disabled"] = not waits or paused.reason == "Failure", ["displayName"] = "Resume" },
  ["undo"] = { ["disabled"] = not undoable, ["displayName"] = "Go back to the revision before" },
  ["retry"] = { ["disabled"] = rejected == nil, ["displayName"] = "Try the revision again that was taken back" },
}
