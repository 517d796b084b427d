#!/bin/sh
# Applies the module to the server that test.sh has started, and reads with the SDK what it made.
set -eu

"${cli:-terraform}" apply -auto-approve -input=false -var ref=v1.0.0
"${python:-python3}" tests/read.py v1.0.0
"${cli:-terraform}" destroy -auto-approve -input=false -var ref=v1.0.0
