-- Keep the candidate's weight as it is. The annotation is what `rollmodel pause` writes: verb, revision, and a word
-- that is new each time, here the version of the object that was looked at.
local arm = (obj.status or {}).candidate
if arm == nil then
  error("nothing to pause: no revision is being tried")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "pause " .. arm.revision .. " " .. obj.metadata.resourceVersion
return obj
