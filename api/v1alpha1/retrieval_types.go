package v1alpha1

// RetrievalSpec is how documents are cut up and how many passages an answer may use.
//
// The rules here, as elsewhere in this package, ask has() of fields that have a default too: the API server checks the
// default {} of the whole before those of its fields are filled in.
//
// +kubebuilder:validation:XValidation:rule="!has(self.topK) || !has(self.maxTopK) || self.topK <= self.maxTopK",fieldPath=".topK",message="spec.retrieval.topK must not be greater than spec.retrieval.maxTopK: lower the first or raise the second"
type RetrievalSpec struct {
	// topK is the number of passages when a request names none. Default 5.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=200
	// +default=5
	// +optional
	TopK *int32 `json:"topK,omitempty"`
	// maxTopK is the largest number of passages a request may name. Default 50.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=200
	// +default=50
	// +optional
	MaxTopK *int32 `json:"maxTopK,omitempty"`
	// chunking is how documents are cut into passages. A change applies to documents written after it.
	// +default={}
	// +optional
	Chunking ChunkingSpec `json:"chunking,omitzero"`
	// languages are those of the documents, whose stop words are left out and whose endings are cut off, so that "caches"
	// finds "cached". A document is in the one that it names in its field language, or in the one that its text shows;
	// documents of other languages are found by their words as they stand. A change rolls the servers and builds the
	// index anew from the documents. Default [en].
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=18
	// +optional
	Languages []Language `json:"languages,omitempty"`
}

// Language is a language by its BCP 47 tag.
// +kubebuilder:validation:Enum=ar;da;de;en;es;fi;fr;ga;hu;it;nb;nl;pt;ro;ru;sv;ta;tr
type Language string

// ChunkingSpec is how documents are cut into passages.
// +kubebuilder:validation:XValidation:rule="!has(self.words) || !has(self.overlapWords) || self.overlapWords * 2 <= self.words",fieldPath=".overlapWords",message="spec.retrieval.chunking.overlapWords must be at most half of spec.retrieval.chunking.words: lower the first or raise the second"
type ChunkingSpec struct {
	// words is the longest passage, in words. Default 600.
	// +kubebuilder:validation:Minimum=20
	// +kubebuilder:validation:Maximum=5000
	// +default=600
	// +optional
	Words *int32 `json:"words,omitempty"`
	// overlapWords is how many words two neighbouring passages share, so that a sentence at the edge is found whole.
	// Default 100.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2500
	// +default=100
	// +optional
	OverlapWords *int32 `json:"overlapWords,omitempty"`
}
