#!/usr/bin/env bash
# bench-quality.sh prints how good answers and rankings are: the questions of test/quality/testdata (or those of the folder that
# QUESTIONS names: documents.ndjson and files of questions in the same form), and Cranfield where it is at hand. It measures the
# embedded store, and OpenSearch where RAGSERVICE_TEST_OPENSEARCH names one. Floors are those of `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

tests='Embedded$'
[ -z "${RAGSERVICE_TEST_OPENSEARCH:-}" ] || tests='(Embedded|OpenSearch)$'
if [ -n "${QUESTIONS:-}" ]; then
  RAGSERVICE_QUESTIONS=$(realpath "$QUESTIONS")
  export RAGSERVICE_QUESTIONS
fi
go test -count=1 -v -timeout 20m ./test/quality -run "^Test(Answers|KeywordQuality)$tests" | sed -nE '/^ +(questions|quality)_test/,/^(---|===)/{/^(---|===)/!p}; /^(FAIL|ok)/p; /^--- (FAIL|SKIP)/p'
