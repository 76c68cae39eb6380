-- Health of a TrainingJob: of one run, or of a schedule, which is healthy while it waits for its next run.
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
local succeeded, stalled, suspended = is.Succeeded or {}, is.Stalled or {}, is.Suspended or {}

if succeeded.status == "False" then
  return health("Degraded", succeeded.message)
end
if succeeded.status == "True" then
  return health("Healthy", succeeded.message)
end
if stalled.status == "True" then
  return health("Degraded", stalled.message)
end
if suspended.status == "True" or succeeded.reason == "Suspended" then
  return health("Suspended", succeeded.message)
end
if obj.spec.schedule ~= nil and succeeded.status ~= nil then
  return health("Healthy", succeeded.message)
end
return health("Progressing", succeeded.message)
