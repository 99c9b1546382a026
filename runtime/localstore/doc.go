// Package localstore keeps documents in the server itself, in bleve indices in memory or in a folder, and finds passages
// there. It is what a laptop has in place of OpenSearch, and behaves like it: test/storetest holds both to one contract.
//
// Documents are in two indices, for the reason that the records would count in the statistics that passages are ranked by: "records" has
// one entry for each document (its text, its hash, the outlines of its chunks), "chunks" one for each passage. A batch is
// atomic within an index and durable when it returns. A write marks the record, replaces the chunks, and completes the
// record; killed between two of these, it leaves a record with a mark, so that sending the document again mends it, and
// Recover does. What callers say of answers is in a third index, "feedback".
package localstore
