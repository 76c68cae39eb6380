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

return {
  ["promote"] = { ["disabled"] = not beside, ["displayName"] = "Promote without waiting for evidence" },
  ["abort"] = { ["disabled"] = not beside, ["displayName"] = "Take the candidate back" },
  ["pause"] = { ["disabled"] = candidate == nil or waits, ["displayName"] = "Pause" },
  ["resume"] = { ["disabled"] = not waits or paused.reason == "Failure", ["displayName"] = "Resume" },
  ["retry"] = { ["disabled"] = rejected == nil, ["displayName"] = "Try the revision again that was taken back" },
}
