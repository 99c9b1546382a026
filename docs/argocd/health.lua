-- Health of a RAGService for Argo CD, in the ConfigMap argocd-cm under resource.customizations.health.ragservice.dev_RAGService.
-- Healthy: it answers, and nothing is being changed. Suspended: spec.suspend is true. Progressing: wait. Degraded: somebody should look; the message says where.
local function progressing(message) return { status = "Progressing", message = message } end

if obj.metadata.deletionTimestamp ~= nil then
  return progressing("being deleted")
end
if obj.status == nil or obj.status.conditions == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return progressing("the operator has not looked at this generation yet")
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local ready, stalled, reconciling = conditions.Ready, conditions.Stalled, conditions.Reconciling

if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end
if ready ~= nil and ready.reason == "Suspended" then
  return { status = "Suspended", message = ready.message }
end
if ready == nil or ready.status == "Unknown" then
  return progressing(ready and ready.message or "the operator has not looked at this yet")
end
if ready.status == "True" then
  if reconciling ~= nil and reconciling.status == "True" then
    return progressing(reconciling.message)
  end
  return { status = "Healthy", message = ready.message }
end

-- Reasons of Ready=False that end by themselves.
local waiting = {
  Progressing = true, Propagating = true, AwaitingSecrets = true, ReconcileFailed = true, Deleting = true,
  SecretNotFound = true, SecretKeyNotFound = true, -- Stalled says when that has been for too long
}
if waiting[ready.reason] then
  return progressing(ready.message)
end
return { status = "Degraded", message = ready.message }
