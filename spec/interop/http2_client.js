// What Node's http2 client makes of the compatibility API's server: http2_client.js PORT CA-FILE
'use strict';
const fs = require('fs');
const http2 = require('http2');
const payload = require('./payload');

const [port, ca] = process.argv.slice(2);
const session = http2.connect('https://localhost:' + port, {ca: fs.readFileSync(ca)});

function request(headers, body) {
    return new Promise((resolve, reject) => {
        const result = {body: '', trailers: {}, continued: false};
        const it = session.request(headers);
        it.setEncoding('latin1');
        it.on('headers', info => { result.hints = info.link; });
        it.on('continue', () => { result.continued = true; });
        it.on('response', received => { result.headers = received; });
        it.on('trailers', trailers => { result.trailers = trailers; });
        it.on('data', chunk => { result.body += chunk; });
        it.on('error', reject);
        it.on('close', () => resolve({...result, code: it.rstCode}));
        it.end(body);
    });
}

function check(name, isSo, seen) {
    console.log((isSo ? 'ok ' : 'not ok ') + name + (isSo ? '' : ': ' + JSON.stringify(seen)));
    if (!isSo)
        process.exitCode = 1;
}

async function main() {
    const many = await Promise.all(Array.from({length: 400}, (_, i) =>
        request({':path': '/' + i})));
    check('400 requests', many.every((seen, i) => seen.body === '2.0 /' + i && seen.code === 0));
    const sent = payload.make(1000000);
    const echo = await request({':path': '/echo', ':method': 'POST'}, sent);
    check('a body both ways', echo.body === sent.toString('latin1'), echo.body.length);
    const hints = await request({':path': '/hints'});
    check('early hints', hints.hints === '</style.css>; rel=preload; as=style', hints);
    check('trailers', hints.trailers['x-check'] === 'done' && hints.body === 'with trailers', hints);
    const head = await request({':path': '/size/9', ':method': 'HEAD'});
    check('HEAD', head.headers['content-length'] === '9' && head.body === '', head);
    const range = await request({':path': '/size/100', range: 'bytes=-3'});
    check('a range', range.headers[':status'] === 206 && range.body.length === 3, range);
    const asked = await request({':path': '/length', ':method': 'POST', expect: '100-continue'}, 'x');
    check('100 (Continue)', asked.continued && asked.body === '1', asked);
    await new Promise(resolve => session.close(resolve));
    console.log('ok the end');
}

main().catch(problem => {
    console.log('not ok', problem);
    process.exit(1);
});
