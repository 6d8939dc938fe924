// Handlers that note what the compatibility API's members do, the same as in compat_members.lua, over
// clear-text HTTP/2. GET /log gives the notes of the request before, once that is over.
'use strict';
const http2 = require('http2');

let notes = [];
let isOver = true;

const text = value => {
    if (value instanceof Error)
        return value.code || value.message;
    if (Array.isArray(value))
        return '[' + value.map(text).join(' ') + ']';
    if (value === undefined || value === null)
        return 'nothing';
    return typeof value === 'object' || typeof value === 'function' ? 'object' : String(value);
};
const note = (...values) => notes.push(values.map(text).join(' '));
const attempt = (label, fn) => {
    try {
        note(label, fn());
    } catch (error) {
        note(label, error);
    }
};
const watch = (label, object, ...names) => {
    for (const name of names)
        object.on(name, () => note(label, name));
};
const end = () => {
    isOver = true;
};

const routes = {
    '/events'(req, res) {
        watch('request', req, 'end', 'aborted', 'close');
        watch('response', res, 'finish', 'close');
        res.end('x', () => note('finished'));
    },
    '/events-of-a-body'(req, res) {
        watch('request', req, 'end', 'aborted', 'close');
        watch('response', res, 'finish', 'close');
        req.resume();
        req.on('end', () => {
            note(req.complete, req.readableEnded, req.aborted);
            res.end('x');
        });
        note(req.complete, req.readableEnded, req.aborted);
    },
    '/aborted'(req, res) {
        watch('request', req, 'end', 'aborted', 'close');
        watch('response', res, 'finish', 'close');
        res.write('x');
        res.on('close', () => note(req.aborted, req.complete, res.finished, res.writableEnded));
    },
    '/statuses'(req, res) {
        for (const status of [100, 199, 99, 600, -1, 0, 200.7, 599, 404])
            attempt('statusCode', () => {
                res.statusCode = status;
                return res.statusCode;
            });
        attempt('statusCode', () => { res.statusCode = 'x'; });
        res.writeHead(200);
        attempt('statusCode', () => {
            res.statusCode = 500;
            return res.statusCode;
        });
        res.end();
    },
    '/names'(req, res) {
        for (const name of ['', 'a b', ':status', ':path', ':x', ' X-Trimmed '])
            attempt('setHeader', () => res.setHeader(name, 'b'));
        attempt('setHeader', () => res.setHeader(1, 'b'));
        attempt('setHeader', () => res.setHeader('x-a'));
        attempt('setHeader', () => res.setHeader('x-a', null));
        attempt('getHeader', () => res.getHeader());
        attempt('hasHeader', () => res.hasHeader(1));
        attempt('removeHeader', () => res.removeHeader());
        attempt('setTrailer', () => res.setTrailer('a b', 'c'));
        attempt('setTrailer', () => res.setTrailer(':status', 'c'));
        attempt('addTrailers', () => res.addTrailers({'a b': 'c'}));
        attempt('names', () => res.getHeaderNames());
        attempt('value', () => res.getHeader('X-TRIMMED'));
        res.end();
    },
    '/values'(req, res) {
        res.setHeader('x-number', 1);
        res.setHeader('x-boolean', true);
        res.setHeader('x-list', ['a', 'b']);
        note(typeof res.getHeader('x-number'), typeof res.getHeader('x-boolean'),
            res.getHeader('x-list'));
        res.appendHeader('x-number', '2');
        res.appendHeader('x-list', ['c']);
        note(res.getHeader('x-number'), res.getHeader('x-list'), res.getHeaderNames());
        res.removeHeader('x-boolean');
        note(res.hasHeader('x-boolean'), res.hasHeader('X-List'));
        res.end();
    },
    '/date'(req, res) {
        res.setHeader('date', 'then');
        res.removeHeader('date');
        note(res.sendDate);
        res.end();
    },
    '/connection'(req, res) {
        res.setHeader('connection', 'close');
        note(res.getHeaderNames());
        res.end();
    },
    '/sent'(req, res) {
        res.writeHead(200);
        note(res.headersSent, res.getHeaderNames());
        attempt('setHeader', () => res.setHeader('x', 'y'));
        attempt('appendHeader', () => res.appendHeader('x', 'y'));
        attempt('removeHeader', () => res.removeHeader('x'));
        attempt('writeHead', () => res.writeHead(200));
        attempt('flushHeaders', () => res.flushHeaders());
        attempt('writeContinue', () => res.writeContinue());
        attempt('writeEarlyHints', () => res.writeEarlyHints({link: '</a>; rel=preload'}));
        attempt('setTrailer', () => res.setTrailer('x-t', 'y'));
        res.end('x');
    },
    '/ended'(req, res) {
        attempt('end', () => res.end('x') === res);
        attempt('end', () => res.end(() => note('ended again')) === res);
        note(res.finished, res.writableEnded, res.headersSent);
    },
    '/late-write'(req, res) {
        res.end('x');
        attempt('write', () => res.write('y', error => note('written', error)));
    },
    '/no-chunk'(req, res) {
        attempt('write', () => res.write());
        attempt('write', () => res.write(1));
        note(res.headersSent);
        res.end();
    },
    '/closed'(req, res) {
        res.end('x');
        res.on('close', () => setTimeout(() => {
            attempt('writeHead', () => res.writeHead(204) === res);
            attempt('end', () => res.end() === res);
            attempt('write', () => res.write('y', error => note('written', error)));
            attempt('writeContinue', () => res.writeContinue());
            attempt('writeEarlyHints', () => res.writeEarlyHints({link: '</a>; rel=preload'}));
            attempt('flushHeaders', () => res.flushHeaders());
            attempt('request.setTimeout', () => req.setTimeout(5) === req);
            attempt('push', () => res.createPushResponse({':path': '/a'},
                error => note('pushed', error)));
            note(res.socket, req.socket, req.stream === res.stream, res.statusCode);
            setTimeout(end, 10);
        }, 5));
    },
    '/socket'(req, res) {
        note(req.socket === res.socket, req.connection === req.socket, req.socket.destroyed,
            req.socket.readable, req.socket.writable, req.socket.remoteAddress,
            typeof req.socket.remotePort);
        for (const name of ['write', 'read', 'pause', 'resume'])
            attempt(name, () => req.socket[name]);
        attempt('assign', () => { req.socket.write = 1; });
        res.end();
    },
    '/times'(req, res) {
        attempt('request', () => req.setTimeout(1000) === req);
        attempt('below', () => req.setTimeout(-1));
        attempt('a string', () => res.setTimeout('1'));
        attempt('no function', () => res.setTimeout(1, 1));
        attempt('none', () => req.setTimeout(0) === req);
        res.end();
    },
    '/late'(req, res) {
        req.stream.on('timeout', () => note('stream'));
        req.on('timeout', () => note('request'));
        res.on('timeout', () => note('response'));
        req.setTimeout(20, () => {
            note('callback');
            res.end('late');
        });
    },
    '/hints'(req, res) {
        attempt('none', () => res.writeEarlyHints());
        attempt('no link', () => res.writeEarlyHints({}));
        attempt('no object', () => res.writeEarlyHints('x'));
        attempt('wrong', () => res.writeEarlyHints({link: 'x'}));
        attempt('empty', () => res.writeEarlyHints({link: []}));
        attempt('several', () => res.writeEarlyHints({link: ['</a>; rel=preload',
            '</b>; rel=preload; as=style'], 'x-a': 'b'}));
        res.end();
    },
    '/push'(req, res) {
        attempt('no callback', () => res.createPushResponse({':path': '/a'}));
        res.createPushResponse({':path': '/pushed', 'x-a': 'b'}, (error, pushed) => {
            note(error, pushed.req, pushed.stream.id, pushed.headersSent);
            attempt('nested', () => pushed.createPushResponse({':path': '/b'}, () => {}));
            pushed.setHeader('x-c', 'd');
            pushed.end('pushed');
            res.end('x');
        });
    },
    '/message'(req, res) {
        res.statusMessage = 'Fine';
        note(res.statusMessage === '');
        res.writeHead(200, 'Fine');
        res.end();
    },
    '/members'(req, res) {
        note(req.httpVersion, req.httpVersionMajor, req.httpVersionMinor, req.scheme,
            req.complete, req.aborted, req.destroyed, req.readable, req.readableEnded);
        note(res.statusCode, res.headersSent, res.finished, res.writableEnded, res.sendDate,
            res.writable, res.writableLength, res.writableCorked, res.writableFinished,
            res.req === req, res._header);
        attempt('method', () => {
            req.method = 'PUT';
            return req.method;
        });
        attempt('method', () => { req.method = '  '; });
        attempt('method', () => { req.method = 1; });
        attempt('url', () => {
            req.url = '/other';
            return req.url + ' ' + req.headers[':path'];
        });
        res.end();
    },
    '/corked'(req, res) {
        res.cork();
        res.write('ab');
        note(res.writableCorked, res.writableLength);
        res.uncork();
        note(res.writableCorked);
        res.end();
    },
    '/drain'(req, res) {
        attempt('write', () => res.write('x'.repeat(20000)));
        res.on('drain', () => {
            note('drain', res.writableLength);
            res.end();
        });
    },
    '/destroyed'(req, res) {
        watch('request', req, 'end', 'aborted', 'close');
        watch('response', res, 'finish', 'close');
        res.write('x', () => {
            res.destroy();
            res.destroy();
        });
    },
};

const heads = {
    '/head/flat': [201, ['X-A', 'b', 'x-c', 'd']],
    '/head/pairs': [202, [['X-A', 'b'], ['x-c', 'd']]],
    '/head/message': [203, 'Fine', {'x-a': 'b'}],
    '/head/message-flat': [206, 'Fine', ['x-a', 'b']],
    '/head/odd': [200, ['x-a', 'b', 'x-c']],
    '/head/zero': [0],
    '/head/100': [100],
    '/head/99': [99],
    '/head/600': [600],
    '/head/override': [200, {'x-set': 'again'}],
    '/head/override-flat': [200, ['x-set', 'again']],
    '/head/wrong-name': [200, {'a b': 'c'}],
    '/head/pseudo': [200, {':path': 'c'}],
};
for (const [path, args] of Object.entries(heads))
    routes[path] = (req, res) => {
        res.setHeader('x-set', 'before');
        attempt('writeHead', () => res.writeHead(...args) === res);
        note(res.headersSent, res.statusCode);
        if (!res.headersSent)
            res.statusCode = 500;
        res.end('x');
    };

function serve(req, res) {
    if (req.url === '/log') {
        const timer = setInterval(() => {
            if (isOver) {
                clearInterval(timer);
                res.end(notes.join('\n'));
            }
        }, 5);
        return;
    }
    notes = [];
    isOver = false;
    // What comes later than the response's own events has its time, or calls end() itself.
    if (req.url !== '/closed')
        res.stream.on('close', () => setTimeout(end, 30));
    routes[req.url](req, res);
}

const server = http2.createServer();
server.on('stream', (stream, headers) => {
    if (headers[':path'] === '/answered') {
        notes = ['before'];
        isOver = false;
        stream.on('close', () => setTimeout(end, 30));
        stream.respond({':status': 202});
        stream.write('a');
    }
});
server.on('request', (req, res) => {
    if (req.url === '/answered') {
        note('request', res.headersSent);
        res.end('b');
    } else {
        serve(req, res);
    }
});
server.on('stream', (stream, headers) => {
    if (headers[':path'] === '/answered')
        note('behind', stream.headersSent);
});
server.on('checkContinue', (req, res) => {
    notes = ['checkContinue'];
    isOver = false;
    res.stream.on('close', () => setTimeout(end, 30));
    attempt('writeContinue', () => res.writeContinue());
    req.on('data', data => note(data.toString()));
    req.on('end', () => res.end());
});
server.on('checkExpectation', (req, res) => {
    notes = ['checkExpectation'];
    res.statusCode = 418;
    res.end();
});
server.on('connect', (req, res) => {
    notes = ['connect'];
    note(req.method, req.authority, req.url);
    res.writeHead(200);
    res.end('tunnel');
});
process.on('warning', () => {});
server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));
