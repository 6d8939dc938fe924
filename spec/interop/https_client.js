// What Node's https client makes of a server with allowHTTP1: https_client.js PORT CA-FILE
'use strict';
const fs = require('fs');
const https = require('https');

const [port, ca] = process.argv.slice(2);
const agent = new https.Agent({keepAlive: true, maxSockets: 4, ca: fs.readFileSync(ca)});

function request(path, options, body) {
    return new Promise((resolve, reject) => {
        const result = {hints: null, body: ''};
        const it = https.request({host: 'localhost', port, path, agent, ...options}, response => {
            const connection = response.socket.localPort;
            response.setEncoding('latin1');
            response.on('data', chunk => { result.body += chunk; });
            response.on('end', () => {
                resolve({...result, status: response.statusCode, trailers: response.trailers,
                    connection});
            });
        });
        it.on('information', info => { result.hints = info.headers.link; });
        it.on('error', reject);
        if (body)
            for (const piece of body)
                it.write(piece);
        it.end();
    });
}

function check(name, isSo, seen) {
    console.log((isSo ? 'ok ' : 'not ok ') + name + (isSo ? '' : ': ' + JSON.stringify(seen)));
    if (!isSo)
        process.exitCode = 1;
}

async function main() {
    const many = await Promise.all(Array.from({length: 400}, (_, i) => request('/' + i, {})));
    check('400 requests', many.every((seen, i) => seen.body === '1.1 /' + i));
    const connections = new Set(many.map(seen => seen.connection)).size;
    check('few connections', connections <= 4, connections);
    const pieces = Array.from({length: 300}, (_, i) => String(i % 10).repeat(5000));
    const echo = await request('/echo', {method: 'POST'}, pieces);
    check('a body in chunks', echo.body === pieces.join(''), echo.body.length);
    const hints = await request('/hints', {});
    check('early hints', hints.hints === '</style.css>; rel=preload; as=style', hints);
    check('trailers', hints.trailers['x-check'] === 'done' && hints.body === 'with trailers', hints);
    const head = await request('/hints', {method: 'HEAD'});
    check('HEAD', head.status === 200 && head.body === '', head);
    agent.destroy();
    console.log('ok the end');
}

main().catch(problem => {
    console.log('not ok', problem);
    process.exitCode = 1;
});
