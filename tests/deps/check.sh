#!/usr/bin/env bash
# Holds the tree that users of the crate compile to what we say of it: no TLS stack, no HTTP client,
# nothing of the test kit, one version of everything heavy. Looks at the lock file; compiles nothing.
# What holds is held for every feature that ships; the count at the end is that of the default ones.
set -euo pipefail
cd "$(dirname "$0")/../.."

# One line for each crate and version, `name v1.2.3`, without dev-dependencies, so that their features
# do not count.
crates() {
    cargo tree --locked --package dynaseal --no-default-features --features "$2" \
        --edges "$1" --prefix none --format '{p}' | cut -d' ' -f1,2 | sort -u
}

readonly DEFAULT=derive SHIPPED=derive,export,metrics,streams
shipped=$(crates normal,build "$SHIPPED")
status=0

# TLS and HTTP come with the user's SDK configuration; server and database belong to the test kit.
for name in rustls ring openssl-sys native-tls s2n-tls tokio-rustls hyper hyper-rustls hyper-util \
    h2 reqwest aws-smithy-http-client aws-config axum dynoxide-rs libsqlite3-sys; do
    if grep -q "^$name v" <<<"$shipped"; then
        echo "deps: \`$name\` is in the shipped tree:"
        cargo tree --locked --package dynaseal --edges normal,build --invert "$name" --depth 3 || true
        status=1
    fi
done

# The second copy of one of these costs minutes or megabytes, or splits a type in two.
for name in aws-lc-rs aws-lc-sys aws-sdk-dynamodb aws-sdk-dynamodbstreams aws-sdk-kms aws-smithy-runtime-api aws-smithy-types \
    aes aes-gcm digest hmac sha2 http serde tokio zeroize; do
    if (($(grep -c "^$name v" <<<"$shipped") > 1)); then
        echo "deps: \`$name\` is in the shipped tree more than once:"
        grep "^$name v" <<<"$shipped"
        status=1
    fi
done

# The C library alone: no bindgen, no second static library, no TLS feature.
features=$(cargo tree --locked --package dynaseal --no-default-features --features "$SHIPPED" \
    --edges normal --prefix none --format '{p} {f}' | sed -n 's/^aws-lc-rs v[^ ]* *//p' | sort -u)
if [[ $features != aws-lc-sys ]]; then
    echo "deps: aws-lc-rs is built with \`$features\`, and needs \`aws-lc-sys\`"
    status=1
fi

twice=$(cut -d' ' -f1 <<<"$shipped" | uniq -d | tr '\n' ' ')
others() { grep -cv '^dynaseal\(-derive\)\? v' <<<"$1"; }
echo "deps: $(others "$(crates normal "$DEFAULT")") crates under dynaseal and its derive," \
    "$(others "$(crates normal,build "$DEFAULT")") with what build scripts need; in two versions: ${twice:-none}"
exit $status
