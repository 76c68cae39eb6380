-- Go on after a pause. The annotation is what `rollmodel resume` writes: verb, revision, and a word
-- that is new each time, here the version of the object that was looked at.
local arm = (obj.status or {}).candidate
if arm == nil then
  error("nothing to resume: no revision is being tried")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "resume " .. arm.revision .. " " .. obj.metadata.resourceVersion
return obj
