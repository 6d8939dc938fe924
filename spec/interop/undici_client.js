// What undici, the HTTP client of npm, makes of a server over both versions:
// undici_client.js PORT CA-FILE VERSION
'use strict';
const fs = require('fs');
const payload = require('./payload');
const {Agent, request, fetch, stream} = require('undici');
const {Writable} = require('stream');

const [port, ca, version] = process.argv.slice(2);
const origin = 'https://localhost:' + port;
// undici 6 fails of itself, whatever the server, where streams of one session overlap.
const overlaps = version === '2.0' && parseInt(require('undici/package.json').version) >= 7;
const dispatcher = new Agent({allowH2: version === '2.0', pipelining: overlaps ? 100 : 1,
    connections: 4, connect: {ca: fs.readFileSync(ca)}});

async function get(path, options) {
    const {statusCode, headers, trailers, body} =
        await request(origin + path, {dispatcher, ...options});
    const content = Buffer.from(await body.arrayBuffer());
    return {statusCode, headers, trailers, body: content, text: content.toString('latin1')};
}

const checks = {
    async 'the version'() {
        const {text} = await get('/x');
        return text === version + ' /x' || text;
    },
    async '2000 requests, twenty at a time'() {
        let next = 0, wrong = 0;
        await Promise.all(Array.from({length: 20}, async () => {
            for (let i = next++; i < 2000; i = next++)
                wrong += (await get('/' + i)).text !== version + ' /' + i;
        }));
        return wrong === 0 || wrong;
    },
    async 'a body both ways'() {
        const sent = payload.make(1000000);
        const {body} = await get('/echo', {method: 'POST', body: sent});
        return body.equals(sent) || body.length;
    },
    async 'a body of unknown size'() {
        async function* pieces() {
            for (let i = 0; i < 50; i++)
                yield Buffer.alloc(10000, i);
        }
        const {text} = await get('/length', {method: 'POST', body: pieces()});
        return text === '500000' || text;
    },
    async 'a range'() {
        const {statusCode, headers, body} = await get('/size/1000', {headers: {range: 'bytes=5-9'}});
        return statusCode === 206 && headers['content-range'] === 'bytes 5-9/1000'
            && body.equals(payload.make(10).subarray(5)) || statusCode;
    },
    async 'HEAD'() {
        const {statusCode, headers, text} = await get('/size/77', {method: 'HEAD'});
        return statusCode === 200 && headers['content-length'] === '77' && text === '' || headers;
    },
    async 'a stream'() {
        let octets = 0;
        await stream(origin + '/size/300000', {dispatcher, method: 'GET', opaque: null},
            () => new Writable({
                write(chunk, encoding, done) {
                    octets += chunk.length;
                    done();
                },
            }));
        return octets === 300000 || octets;
    },
    async 'fetch'() {
        const response = await fetch(origin + '/echo', {dispatcher, method: 'POST',
            body: new URLSearchParams({a: 'b c'})});
        const text = await response.text();
        return text === 'a=b+c' || text;
    },
    async 'a request given up'() {
        const controller = new AbortController();
        const {body} = await request(origin + '/size/20000000',
            {dispatcher, signal: controller.signal});
        setTimeout(() => controller.abort(), 1);
        const problem = await body.arrayBuffer().then(() => null, error => error.name);
        return problem === 'AbortError' && (await get('/x')).statusCode === 200 || problem;
    },
};

async function main() {
    for (const [name, check] of Object.entries(checks)) {
        const seen = await check();
        console.log((seen === true ? 'ok ' : 'not ok ') + name, seen === true ? '' : seen);
        if (seen !== true)
            process.exitCode = 1;
    }
    await dispatcher.destroy();
    console.log('ok the end');
}

main().catch(problem => {
    console.log('not ok', problem);
    process.exit(1);
});
