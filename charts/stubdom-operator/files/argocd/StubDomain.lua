-- Health of a StubDomain for Argo CD: resource.customizations.health.stubdom.io_StubDomain of argocd-cm (docs/gitops.md).
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
local stalled = find("Stalled")
if ready == nil then
  return health("Progressing", "The controller has not looked at it yet.")
end
local message = ready.reason .. ": " .. ready.message
if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", message)
end
if ready.reason == "ReconcilePaused" then
  return health("Suspended", ready.message)
end
if ready.status == "Unknown" then
  if ready.reason == "AwaitingController" or ready.reason == "AwaitingAgent" then
    return health("Progressing", message)
  end
  return health("Unknown", message)
end
-- Below 0: no agent has it yet, and the controller's words are about the spec as it is.
local observed = obj.status.observedGeneration
if observed ~= nil and observed >= 0 and observed ~= obj.metadata.generation then
  return health("Progressing", "The agent has not seen the last change of the spec yet.")
end
if stalled ~= nil and stalled.status == "True" then
  return health("Degraded", message)
end
-- Paused on purpose is Ready, and so is healthy.
if ready.status == "True" then
  return health("Healthy", message)
end
return health("Progressing", message)
