-- Go back to the revision that served before. The annotation is what `rollmodel undo` writes: verb, revision, and a word
-- that is new each time, here the version of the object that was looked at.
local arm = (obj.status or {}).stable
if arm == nil then
  error("nothing to undo: no revision serves")
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["rollmodel.dev/command"] = "undo " .. arm.revision .. " " .. obj.metadata.resourceVersion
return obj
