// Handlers by path, the same as in compat_server.lua: compat_server.js KEY-FILE CERT-FILE
'use strict';
const fs = require('fs');
const http2 = require('http2');

const [key, cert] = process.argv.slice(2).map(file => fs.readFileSync(file));

const code = fn => {
    try {
        fn();
        return 'none';
    } catch (error) {
        return error.code || error.message;
    }
};
const collect = (req, done) => {
    const chunks = [];
    req.on('data', chunk => chunks.push(chunk));
    req.on('end', () => done(Buffer.concat(chunks).toString('latin1')));
};
const facts = (res, ...values) => res.end(values.map(String).join('|'));

const routes = {
    '/facts': (req, res) => facts(res, req.method, req.url, req.authority || req.headers.host,
        req.headers['x-a'], req.complete, req.aborted),
    '/version': (req, res) => facts(res, req.httpVersionMajor, req.httpVersion.length),
    '/joined': (req, res) => facts(res, req.headers['x-a'], req.headers.cookie,
        req.headers.accept),
    '/raw': (req, res) => facts(res,
        req.rawHeaders.filter((_, i) => req.rawHeaders[i - i % 2].toLowerCase() === 'x-a')),
    '/echo': (req, res) => req.pipe(res),
    '/body': (req, res) => collect(req, body => facts(res, body.length, body.slice(0, 10),
        req.complete)),
    '/trailers': (req, res) => collect(req, () => facts(res, req.trailers['x-t'],
        req.rawTrailers.join(','))),
    '/method': (req, res) => {
        req.url = '/other';
        facts(res, req.url);
    },
    '/status': (req, res) => {
        res.statusCode = 418;
        res.end();
    },
    '/names': (req, res) => {
        res.setHeader('X-B', '1');
        res.setHeader('x-a', '2');
        res.setHeader('X-b', '3');
        res.removeHeader('x-A');
        facts(res, res.getHeaderNames(), res.getHeader('x-b'), res.hasHeader('X-B'),
            res.hasHeader('x-a'), res.headersSent);
    },
    '/array': (req, res) => {
        res.setHeader('x-a', ['1', '2']);
        res.setHeader('set-cookie', ['a=1', 'b=2']);
        facts(res, res.getHeader('x-a'));
    },
    '/append': (req, res) => {
        res.appendHeader('x-a', '1');
        res.appendHeader('X-A', ['2', '3']);
        facts(res, res.getHeader('x-a'));
    },
    '/writehead': (req, res) => {
        res.setHeader('x-a', '1');
        res.writeHead(201, {'x-b': '2', 'X-A': '3'});
        facts(res, res.headersSent, res.statusCode);
    },
    '/message': (req, res) => res.writeHead(202, 'Fine', {'x-b': '2'}).end('x'),
    '/sent': (req, res) => {
        res.flushHeaders();
        facts(res, res.headersSent, typeof code(() => res.setHeader('x', 'y')),
            code(() => res.removeHeader('x')) !== 'none', code(() => res.writeHead(200)) !== 'none');
    },
    '/checks': (req, res) => facts(res, code(() => res.setHeader('a b', 'c')),
        code(() => res.setHeader()), code(() => res.getHeader(1)), res.getHeaderNames().length),
    '/twice': (req, res) => {
        res.end('x');
        res.end('y');
    },
    '/pieces': (req, res) => {
        res.write('a');
        setTimeout(() => {
            res.write('b');
            res.end('c');
        }, 10);
    },
    '/large': (req, res) => facts(res, 'x'.repeat(300000)),
    '/trailing': (req, res) => {
        res.writeHead(200, {trailer: 'x-t'});
        res.write('a');
        res.addTrailers({'x-t': 'y'});
        res.end('b');
    },
    '/204': (req, res) => {
        res.statusCode = 204;
        res.end();
    },
    '/304': (req, res) => {
        res.writeHead(304, {etag: '"x"'});
        res.end();
    },
    '/length': (req, res) => {
        res.setHeader('content-length', 5);
        res.end('hello');
    },
    '/nodate': (req, res) => {
        res.sendDate = false;
        res.end('x');
    },
    '/continue': (req, res) => collect(req, body => facts(res, body)),
    '/hints': (req, res) => {
        res.writeEarlyHints({link: '</a>; rel=preload'});
        res.end('x');
    },
    '/finished': (req, res) => {
        const before = res.finished;
        res.write('x');
        res.end(String(before) + res.writableEnded);
    },
    '/base64': (req, res) => {
        res.write('aGVs', 'base64');
        res.end('6c6f', 'hex');
    },
    '/cork': (req, res) => {
        res.cork();
        res.write('a');
        res.write('b');
        process.nextTick(() => {
            res.uncork();
            res.end('c');
        });
    },
    '/order': (req, res) => {
        const log = [];
        const note = name => {
            if (log.push(name) === 2)
                facts(res, log.sort());
        };
        req.on('end', () => note('end'));
        req.resume();
        res.write('x', () => note('written'));
    },
    '/destroy': (req, res) => {
        res.write('x');
        setTimeout(() => res.destroy(), 20);
    },
    '/encoding': (req, res) => {
        req.setEncoding('utf8');
        let count = 0;
        req.on('data', chunk => { count += chunk.length; });
        req.on('end', () => facts(res, count > 0));
    },
    '/pause': (req, res) => {
        let text = '';
        req.on('data', chunk => { text += chunk; });
        req.pause();
        setTimeout(() => {
            const early = text;
            req.on('end', () => facts(res, early, text, req.isPaused()));
            req.resume();
        }, 20);
    },
};

const server = http2.createSecureServer({key, cert, allowHTTP1: true}, (req, res) => {
    const route = routes[req.url.replace(/\?.*/, '')];
    if (route) {
        route(req, res);
    } else {
        res.statusCode = 404;
        res.end('nothing');
    }
});
server.on('checkExpectation', (req, res) => {
    res.statusCode = 417;
    res.end();
});
// Over HTTP/1.1 a write too late is an error that nobody hears.
process.on('uncaughtException', () => {});
server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));
