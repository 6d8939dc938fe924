--- Certificates for the specs, made once by openssl under build/spec-certs:
---   ca, other-ca                 two authorities
---   server                       localhost, 127.0.0.1, ::1, signed by ca
---   wrong-name, expired          as server, but for other.example; out of date
---   client                       for a client, signed by ca
---   stranger                     as server, signed by other-ca
---   rsa                          as server, with an RSA key of 2048 bits
---   revoked                      as server, for a client too, but on ca's list of what is revoked
--- each as NAME.crt and NAME.key (ECDSA P-256 but for one); and that list, ca.crl, with
---   other-ca.crl                 on which there is nothing
local process = require("spec.support.process")

local cert = {}

local folder = "build/spec-certs"

-- Made in a folder of its own and moved into place, so that of two specs that start at once one
-- finds what the other made.
local script = [[
set -e
work=$(mktemp -d "$PWD/build/spec-certs.XXXXXX")
cd "$work"
key() {
    case $1 in
        rsa) openssl genrsa -out "$1.key" 2048 ;;
        *) openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" ;;
    esac
}
authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -days 3650 -subj "/CN=http2 specs $1" -out "$1.crt" \
        -addext "keyUsage=critical,keyCertSign,cRLSign"
}
as_authority() { # NAME CA WORDS...: `openssl ca` with the index of what NAME is in
    name=$1 ca=$2
    shift 2
    openssl ca -config /dev/stdin -keyfile "$ca.key" -cert "$ca.crt" -md sha256 "$@" <<END
[ca]
default_ca = any
[any]
database = $name.index
serial = $name.serial
new_certs_dir = .
policy = any_policy
default_days = 3650
default_crl_days = 3650
[any_policy]
commonName = supplied
END
}
signed() { # NAME CA EXTENSIONS [DATES...]
    name=$1 ca=$2 extensions=$3
    shift 3
    key "$name"
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n%b\n' \
        "$extensions" >"$name.ext"
    : >"$name.index"
    openssl rand -hex 8 >"$name.serial"
    as_authority "$name" "$ca" -batch -notext -in "$name.csr" -out "$name.crt" \
        -extfile "$name.ext" "$@"
}
local="subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth"
authority ca
authority other-ca
signed server ca "$local"
signed wrong-name ca "subjectAltName=DNS:other.example\nextendedKeyUsage=serverAuth"
signed expired ca "$local" -startdate 20200101000000Z -enddate 20200201000000Z
signed client ca "extendedKeyUsage=clientAuth"
signed stranger other-ca "$local"
signed rsa ca "$local"
signed revoked ca "$local,clientAuth"
as_authority revoked ca -revoke revoked.crt
as_authority revoked ca -gencrl -out ca.crl
as_authority stranger other-ca -gencrl -out other-ca.crl
find . -type f ! -name '*.crt' ! -name '*.key' ! -name '*.crl' -delete
cd ..
[ -f spec-certs/other-ca.crl ] || rm -rf spec-certs # made when there was less
mv -T "$work" spec-certs 2>/dev/null || { rm -rf "$work"; [ -f spec-certs/other-ca.crl ]; }
]]

local function make()
    os.execute("mkdir -p build")
    local result = process.run({"sh", "-c", script}, {seconds = 120})
    assert(result.status == 0, "openssl could not make certificates:\n" .. result.err)
end

--- The path of one of the files above, such as cert.path("ca.crt").
function cert.path(name)
    local path = folder .. "/" .. name
    if process.read_file(path) == "" then
        make()
    end
    return path
end

--- The PEM text of one of the files.
function cert.read(name)
    return process.read_file(cert.path(name))
end

--- The base64 of the SHA-256 of a certificate's public key, by which Chromium can be told to
--- accept it.
function cert.key_hash(name)
    local result = process.run({"sh", "-c", ([[
        openssl x509 -in %s -pubkey -noout | openssl pkey -pubin -outform der |
        openssl dgst -sha256 -binary | openssl enc -base64]]):format(cert.path(name .. ".crt"))})
    return (result.out:gsub("%s+$", ""))
end

return cert
