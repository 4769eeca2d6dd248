-- Health of a XenHost for Argo CD: resource.customizations.health.stubdom.io_XenHost of argocd-cm (docs/gitops.md).
local function find(kind)
  if obj.status == nil or obj.status.conditions == nil then return nil end
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == kind then return condition end
  end
  return nil
end
local function health(status, message)
  return { status = status, message = message }
end

local ready = find("Ready")
local fenced = find("Fenced")
if ready == nil then
  return health("Progressing", "No agent has registered the host yet.")
end
local message = ready.reason .. ": " .. ready.message
if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", message)
end
if fenced ~= nil and fenced.status == "True" then
  return health("Degraded", fenced.message)
end
if ready.status == "Unknown" then
  return health("Unknown", message)
end
-- Nothing is on its way here: the agent tells how the host is.
if ready.status == "False" then
  return health("Degraded", message)
end
local drained = find("Drained")
if drained ~= nil and drained.reason ~= "NotDraining" then
  return health("Suspended", drained.message)
end
return health("Healthy", message)
