-- Health of a DriftPolicy: whether it can look. What it finds is no fault of the object: drift is told in the message,
-- and neither blocks a sync nor calls anybody.
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
local ready, stalled, drifted = is.Ready or {}, is.Stalled or {}, is.DriftDetected or {}

if stalled.status == "True" then
  return health("Degraded", stalled.message)
end
if obj.spec.suspend ~= nil or ready.reason == "Suspended" then
  return health("Suspended", ready.message)
end
if drifted.status == "True" then
  return health("Healthy", drifted.message)
end
if ready.status == "True" then
  return health("Healthy", ready.message)
end
return health("Progressing", ready.message)
