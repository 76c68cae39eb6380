-- Take the candidate back. The annotation is what `rollmodel abort` writes: verb, revision, and a word
-- that is new each time, here the version of the object that was looked at.
local arm = (obj.status or {}).candidate
if arm == nil then
  error("nothing to abort: no revision is being tried")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "abort " .. arm.revision .. " " .. obj.metadata.resourceVersion
return obj
