#!/bin/sh
# Makes the certificates of the tests of csrc/net in the folder given: a CA, servers signed by it
# (good, for another name, expired, for addresses), a client, a chain, and what no CA signed.
set -eu
mkdir -p "$1"
cd "$1"
exec 2> openssl.log

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# signed NAME CA SUBJECT EXTENSIONS [OPTIONS OF openssl x509]
signed() {
    name=$1 ca=$2 subject=$3 extensions=$4
    shift 4
    key "$name"
    openssl req -new -key "$name.key" -subj "/CN=$subject" -out "$name.csr"
    printf '%s\n' "$extensions" > "$name.ext"
    openssl x509 -req -in "$name.csr" -CA "$ca.crt" -CAkey "$ca.key" -set_serial "$(date +%s%N)" \
        -sha256 -extfile "$name.ext" -out "$name.crt" "$@"
}

# authority NAME SUBJECT: signed by itself
authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -sha256 -days 30 -subj "/CN=$2" -out "$1.crt" \
        -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

authority ca 'Test CA'
authority other-ca 'Another CA'
signed localhost ca localhost 'subjectAltName=DNS:localhost,DNS:*.example.test' -days 30
signed elsewhere ca elsewhere.test 'subjectAltName=DNS:elsewhere.test' -days 30
signed address ca address.test 'subjectAltName=DNS:address.test,IP:127.0.0.1,IP:::1' -days 30
signed client ca client 'extendedKeyUsage=clientAuth' -days 30
signed foreign other-ca localhost 'subjectAltName=DNS:localhost' -days 30
signed middle ca 'Test Middle CA' 'basicConstraints=critical,CA:TRUE' -days 30
signed leaf middle localhost 'subjectAltName=DNS:localhost' -days 30
cat leaf.crt middle.crt > chain.crt
cat foreign.crt other-ca.crt > foreign-chain.crt

# Expired: `openssl x509` takes no dates in the past, `openssl ca` does.
key expired
openssl req -new -key expired.key -subj '/CN=localhost' -out expired.csr
: > index.txt
echo 01 > serial
cat > ca.conf <<'CONF'
[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
x509_extensions = names
default_crl_days = 30
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost
CONF
openssl ca -batch -config ca.conf -cert ca.crt -keyfile ca.key -in expired.csr -out expired.crt \
    -startdate 200101000000Z -enddate 210101000000Z -notext
openssl ca -batch -config ca.conf -cert ca.crt -keyfile ca.key -revoke localhost.crt
openssl ca -batch -config ca.conf -cert ca.crt -keyfile ca.key -gencrl -out ca.crl

key self
openssl req -x509 -new -key self.key -sha256 -days 30 -subj '/CN=localhost' -out self.crt \
    -addext 'subjectAltName=DNS:localhost'

openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -sha256 -days 30 -subj '/CN=localhost' \
    -out rsa.crt -addext 'subjectAltName=DNS:localhost'
openssl rsa -in rsa.key -aes128 -passout pass:secret -traditional -out locked.key
openssl x509 -in localhost.crt -outform DER -out localhost.der
openssl ec -in localhost.key -outform DER -out localhost-key.der
