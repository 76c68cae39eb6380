-- Health of a ModelDeployment, from the conditions that its operator writes.
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
local ready, stalled, paused = is.Ready or {}, is.Stalled or {}, is.Paused or {}

-- A pause of somebody's making, or for want of evidence, waits for a person and hurts nobody. A pause after proof of
-- harm (reason Failure) stays Degraded, and so does everything else that stalls.
if paused.status == "True" and paused.reason ~= "Failure" and (stalled.status ~= "True" or stalled.reason == "Paused") then
  return health("Suspended", paused.message)
end
if stalled.status == "True" then
  return health("Degraded", stalled.message)
end
-- Rules of the cluster hold it up, for days perhaps; what serves goes on.
if ready.reason == "Waiting" then
  return health("Suspended", ready.message)
end
if ready.status == "True" then
  return health("Healthy", ready.message)
end
return health("Progressing", ready.message)
