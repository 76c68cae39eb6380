-- Start the training of the alarm that is on. The annotation is what the Event names: verb, number of the alarm, and a word
-- that is new each time, here the version of the object that was looked at.
local episode = (obj.status or {}).episode
if episode == nil or episode.endTime ~= nil then
  error("nothing to retrain for: no alarm is on")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "retrain " .. tostring(episode.number) .. " " .. obj.metadata.resourceVersion
return obj
