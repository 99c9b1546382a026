package v1alpha1

import (
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Duration is a length of time as Go writes it: 90s, 15m, 1h30m. Each field that has one bounds it, in a rule that
// repeats the pattern: CEL's duration fails on other text, and a failed rule does not say its message. With six digits
// no text of 16 characters overflows it.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^([0-9]{1,6}(ms|s|m|h))+$`
type Duration string

// Quantity is an amount of memory or storage as Kubernetes writes it: 512Mi, 10Gi.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^[0-9]{1,9}(Ki|Mi|Gi|Ti|k|M|G|T)$`
type Quantity string

// Decimal is a number with a fraction, as a string so that no float rounds it: "0.2".
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=8
// +kubebuilder:validation:Pattern=`^[0-9]{1,3}([.][0-9]{1,4})?$`
type Decimal string

// Image is a reference to a container image.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:Pattern=`^[^\s]+$`
type Image string

// Duration parses d. The schema has checked it; an error means it was bypassed.
func (d Duration) Duration() (time.Duration, error) {
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s or 1h: %w", string(d), err)
	}
	return parsed, nil
}

// Quantity parses q.
func (q Quantity) Quantity() (resource.Quantity, error) {
	parsed, err := resource.ParseQuantity(string(q))
	if err != nil {
		return resource.Quantity{}, fmt.Errorf("%q is not an amount such as 512Mi: %w", string(q), err)
	}
	return parsed, nil
}

// Float parses d.
func (d Decimal) Float() (float64, error) {
	parsed, err := strconv.ParseFloat(string(d), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number such as 0.2: %w", string(d), err)
	}
	return parsed, nil
}
