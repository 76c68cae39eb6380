-- Health of a DriftPolicy: whether it can look. What it finds is no fault of the object, and learning takes days: both are
-- Healthy with a message, so that they neither block a sync nor call anybody. Blind is Degraded, unless what it watches is
-- about to come.
-- Argo CD opens no `string` and no `math` here, and Lua 5.1 is all there is.
local function health(status, message)
  return { status = status, message = message }
end

local metadata, status = obj.metadata, obj.status or {}
if metadata.deletionTimestamp ~= nil then
  return health("Progressing", "it is being deleted")
end
-- A new object has -1 here, or nothing: the operator has not seen it.
if status.observedGeneration == nil or status.observedGeneration ~= metadata.generation then
  return health("Progressing", "waits for the operator to see this spec")
end

local is = {}
for _, condition in ipairs(status.conditions or {}) do
  is[condition.type] = condition
end
local ready, stalled, drifted, fresh = is.Ready or {}, is.Stalled or {}, is.DriftDetected or {}, is.DataFresh or {}

if stalled.status == "True" then
  return health("Degraded", stalled.message)
end
if ready.reason == "Suspended" then
  return health("Suspended", ready.message)
end
if ready.reason == "Blind" then
  local coming = fresh.reason == "TargetMissing" or fresh.reason == "NoStableRevision"
  return health(coming and "Progressing" or "Degraded", ready.message)
end
if drifted.status == "True" then
  return health("Healthy", "drift: " .. (drifted.message or ""))
end
if ready.status == "True" or ready.reason == "Learning" then
  return health("Healthy", ready.message)
end
return health("Progressing", ready.message)
