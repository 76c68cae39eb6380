-- Give the candidate all traffic without waiting for evidence. The annotation is what `rollmodel promote` writes: verb, revision, and a word
-- that is new each time, here the version of the object that was looked at.
local arm = (obj.status or {}).candidate
if arm == nil then
  error("nothing to promote: no revision is being tried")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "promote " .. arm.revision .. " " .. obj.metadata.resourceVersion
return obj
