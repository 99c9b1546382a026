package observe

import (
	"regexp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// Of what the API server answers when it refuses a pod, only names and resources are kept: the rest names pods, counts
// what is used at the moment, or is the free text of a webhook.
var (
	quotaExceeded  = regexp.MustCompile(`exceeded quota: ([a-z0-9.-]+), requested: (\S+?),? used:`)
	quotaNeeds     = regexp.MustCompile(`failed quota: ([a-z0-9.-]+): must specify ([a-z0-9./,-]+)`)
	podSecurity    = regexp.MustCompile(`violates PodSecurity "([a-z0-9.:-]+)"`)
	limitRange     = regexp.MustCompile(`((?:maximum|minimum) [a-z0-9./-]+ usage per (?:Container|Pod|PersistentVolumeClaim) is [0-9A-Za-z.]+)`)
	limitRatio     = regexp.MustCompile(`([a-z0-9./-]+ max limit to request ratio per (?:Container|Pod) is [0-9A-Za-z.]+)`)
	webhookDenies  = regexp.MustCompile(`admission webhook "([A-Za-z0-9.-]+)" denied`)
	webhookFails   = regexp.MustCompile(`failed calling webhook "([A-Za-z0-9.-]+)"`)
	policyDenies   = regexp.MustCompile(`ValidatingAdmissionPolicy '([A-Za-z0-9.-]+)'`)
	serviceAccount = regexp.MustCompile(`serviceaccount "([a-z0-9.-]+)" not found`)
)

// refusal reads why pods of a workload are refused.
func refusal(text string) status.Refusal {
	for _, kind := range []struct {
		pattern        *regexp.Regexp
		reason, before string
	}{
		{quotaExceeded, v1alpha1.ReasonQuotaExceeded, "quota "},
		{quotaNeeds, v1alpha1.ReasonQuotaExceeded, "quota "},
		{podSecurity, v1alpha1.ReasonPodSecurityViolation, "Pod Security level "},
		{limitRange, v1alpha1.ReasonLimitRangeViolation, "LimitRange: "},
		{limitRatio, v1alpha1.ReasonLimitRangeViolation, "LimitRange: "},
		{webhookDenies, v1alpha1.ReasonAdmissionDenied, "admission webhook "},
		{webhookFails, v1alpha1.ReasonAdmissionDenied, "admission webhook that does not answer: "},
		{policyDenies, v1alpha1.ReasonAdmissionDenied, "ValidatingAdmissionPolicy "},
		{serviceAccount, v1alpha1.ReasonPodsRefused, "missing ServiceAccount "},
	} {
		found := kind.pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		detail := kind.before + found[1]
		switch kind.pattern {
		case quotaExceeded:
			detail += ", requested " + found[2]
		case quotaNeeds:
			detail += " asks for " + found[2]
		}
		return status.Refusal{Reason: kind.reason, Detail: detail[:min(len(detail), maxDetail)]}
	}
	return status.Refusal{Reason: v1alpha1.ReasonPodsRefused}
}

// maxDetail bounds a detail in a message of a condition.
const maxDetail = 120

// deploymentRefusal is the refusal that a Deployment's status tells; a StatefulSet's has none.
func deploymentRefusal(d *appsv1.Deployment) status.Refusal {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return refusal(c.Message)
		}
	}
	return status.Refusal{}
}
