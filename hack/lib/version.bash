# shellcheck shell=bash disable=SC2154 # names are shared with the script that sources this
# The product's version and how binaries learn it. The chart's appVersion is the one place where it is written. Needs $root.

product_version() { sed -n 's/^appVersion: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$root/charts/ragservice-operator/Chart.yaml"; }

# link_flags prints the linker's flags of a binary that is shipped: no debug tables, and its version.
link_flags() { echo "-s -w -X main.version=$(product_version)"; }
