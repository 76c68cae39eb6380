-- A training may be asked for while an alarm is on that has none yet. What else holds it back (a cooldown, broken data) its
-- operator says in status.
local status = obj.status or {}
local episode = status.episode
local reference = ((obj.spec or {}).retrain or {}).trainingJobRef
local possible = episode ~= nil and episode.endTime == nil and reference ~= nil
for _, retrain in ipairs(status.retrains or {}) do
  if episode ~= nil and retrain.episode == tostring(episode.number) and retrain.trainingJob ~= nil then
    possible = false
  end
end

return {
  ["retrain"] = { ["disabled"] = not possible, ["displayName"] = "Train for this alarm" },
}
