-- Try a revision again that was taken back. The annotation is what `rollmodel retry` writes: verb, revision, and a word
-- that is new each time, here the version of the object that was looked at.
local arm = (obj.status or {}).rejected
if arm == nil then
  error("nothing to retry: no revision was taken back")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "retry " .. arm.revision .. " " .. obj.metadata.resourceVersion
return obj
