--- What Node documents, as the library is to have it: every owner with the names that belong to it,
--- by kind, and their defaults where they have one. Facts only; spec/contract_spec.lua checks them.
---
--- The names of a kind are separated by " | "; what follows " = " in one is its default, as text.
local contract = {
    {owner = "http2",
        ["function"] = [[
            createServer | createSecureServer | connect | connect[promisify.custom] |
            getDefaultSettings | getPackedSettings = {} | getUnpackedSettings |
            performServerHandshake
        ]],
        ["constant-group"] = [[
            constants
        ]],
        property = [[
            sensitiveHeaders | Http2ServerRequest | Http2ServerResponse
        ]],
    },
    {owner = "http2.constants",
        ["constant-group"] = [[
            NGHTTP2_<error codes> | NGHTTP2_SESSION_* | NGHTTP2_STREAM_STATE_* | NGHTTP2_FLAG_* |
            NGHTTP2_SETTINGS_* | DEFAULT_SETTINGS_* | MAX_*/MIN_* | PADDING_STRATEGY_* |
            NGHTTP2_DEFAULT_WEIGHT | NGHTTP2_ERR_* | HTTP2_HEADER_* | HTTP2_METHOD_* |
            HTTP_STATUS_* | hidden helpers
        ]],
    },
    {owner = "Http2Session",
        event = [[
            close | connect | error | frameError | goaway | localSettings | ping | remoteSettings
            | stream | timeout | priority | socketError
        ]],
        property = [[
            alpnProtocol | closed = false | connecting | destroyed = false | encrypted |
            goawayCode = 0 | goawayLastStreamID = 0 | localSettings | originSet |
            pendingSettingsAck | remoteSettings | socket | state | type
        ]],
        method = [[
            close | destroy = error=none, code=NO_ERROR (INTERNAL_ERROR with error) | goaway = 0,
            0, none | ping | ref | unref | setLocalWindowSize | setNextStreamID | setTimeout |
            settings | on | once | addListener | prependListener | off | removeListener |
            removeAllListeners | emit | listenerCount | eventNames | shutdown | rstStream =
            NO_ERROR | priority
        ]],
    },
    {owner = "ServerHttp2Session",
        method = [[
            altsvc | origin
        ]],
        property = [[
            server
        ]],
    },
    {owner = "ClientHttp2Session",
        event = [[
            altsvc | origin
        ]],
        method = [[
            request
        ]],
    },
    {owner = "Http2Stream",
        event = [[
            aborted | close | error | frameError | ready | timeout | trailers | wantTrailers |
            streamClosed | data | end | finish | drain | readable | pipe | unpipe | pause | resume
            | fetchTrailers
        ]],
        property = [[
            aborted = false | bufferSize = 0 | closed = false | destroyed = false |
            endAfterHeaders = false | headRequest = false | headersSent = false | id | pending |
            rstCode = 0 | sentHeaders | sentInfoHeaders | sentTrailers | session | state |
            readable | writable | readableEnded | writableEnded | writableFinished |
            readableLength | writableLength | readableFlowing | readableHighWaterMark |
            writableHighWaterMark | writableNeedDrain | errored
        ]],
        method = [[
            close = NGHTTP2_NO_ERROR | destroy | priority | sendTrailers | setTimeout | write |
            end | cork | uncork | read | pause | resume | pipe | unpipe | setEncoding | isPaused |
            unshift | [asyncIterator] | setDefaultEncoding = utf8 | rstStream = NO_ERROR |
            rstWithNoError | rstWithProtocolError | rstWithCancel | rstWithRefuse |
            rstWithInternalError
        ]],
    },
    {owner = "ClientHttp2Stream",
        event = [[
            continue | headers | push | response
        ]],
    },
    {owner = "ServerHttp2Stream",
        method = [[
            additionalHeaders | pushStream | respond | respondWithFD | respondWithFile
        ]],
        property = [[
            headersSent = false | pushAllowed
        ]],
    },
    {owner = "Http2Server",
        event = [[
            checkContinue | checkExpectation | connect | connection | request | session |
            sessionError | stream | timeout | priority | socketError | listening | close | error
        ]],
        method = [[
            close | [Symbol.asyncDispose] | setTimeout = msecs 0 | updateSettings | listen |
            address | getConnections | ref | unref | listening | maxConnections |
            captureRejections handling
        ]],
        property = [[
            timeout = 0
        ]],
    },
    {owner = "Http2SecureServer",
        event = [[
            checkContinue | checkExpectation | connect | connection | request | session |
            sessionError | stream | timeout | priority | socketError | listening | close | error |
            unknownProtocol | clientError | secureConnection | tlsClientError | keylog |
            newSession | resumeSession | OCSPRequest
        ]],
        method = [[
            close | setTimeout = msecs 0 (docs say 120000) | updateSettings | listen | address |
            getConnections | ref | unref | listening | maxConnections | captureRejections handling
            | closeIdleConnections | setSecureContext | addContext | getTicketKeys | setTicketKeys
        ]],
        property = [[
            timeout = 0 | headersTimeout = 60000 (allowHTTP1 only) | requestTimeout = 300000
            (allowHTTP1 only) | connectionsCheckingInterval = 30000 (allowHTTP1 only)
        ]],
    },
    {owner = "options:createServer",
        option = [[
            maxDeflateDynamicTableSize = 4096 | maxSettings = 32 | maxSessionMemory = 10 |
            maxHeaderListPairs = 128 | maxOutstandingPings = 10 | maxOutstandingSettings = 10 |
            maxSendHeaderBlockLength = 65536 in total (library default, observed) |
            paddingStrategy = PADDING_STRATEGY_NONE | peerMaxConcurrentStreams = 100 | settings =
            {} | remoteCustomSettings | unknownProtocolTimeout = 10000 | selectPadding |
            maxSessionInvalidFrames = 1000 | maxSessionRejectedStreams = 100 | streamResetBurst =
            1000 | streamResetRate = 33 | Http1IncomingMessage = built-in class |
            Http1ServerResponse = built-in class | Http2ServerRequest = built-in class |
            Http2ServerResponse = built-in class | net.createServer options (allowHalfOpen,
            pauseOnConnect, noDelay, keepAlive, keepAliveInitialDelay, highWaterMark)
        ]],
    },
    {owner = "options:createSecureServer",
        option = [[
            allowHTTP1 = false | maxDeflateDynamicTableSize = 4096 | maxSettings = 32 |
            maxSessionMemory = 10 | maxHeaderListPairs = 128 | maxOutstandingPings = 10 |
            maxOutstandingSettings = 10 | maxSendHeaderBlockLength = 65536 in total (library
            default, observed) | paddingStrategy = PADDING_STRATEGY_NONE |
            peerMaxConcurrentStreams = 100 | settings = {} | remoteCustomSettings |
            unknownProtocolTimeout = 10000 | selectPadding | maxSessionInvalidFrames = 1000 |
            maxSessionRejectedStreams = 100 | streamResetBurst = 1000 | streamResetRate = 33 |
            origins | Http1IncomingMessage = built-in class | Http1ServerResponse = built-in class
            | Http2ServerRequest = built-in class | Http2ServerResponse = built-in class |
            ALPNProtocols = ['h2'(, 'http/1.1')] | ALPNCallback = ['h2'(, 'http/1.1')] |
            tls.createServer options (key, cert, pfx, ca, passphrase, requestCert,
            rejectUnauthorized, SNICallback, ciphers, minVersion, ...)
        ]],
    },
    {owner = "options:performServerHandshake",
        option = [[
            (all createServer session options) = {}
        ]],
    },
    {owner = "options:connect",
        option = [[
            maxDeflateDynamicTableSize = 4096 | maxSettings = 32 | maxSessionMemory = 10 |
            maxHeaderListPairs = 128 | maxOutstandingPings = 10 | maxOutstandingSettings = 10 |
            maxSendHeaderBlockLength = 65536 in total (library default, observed) |
            paddingStrategy = PADDING_STRATEGY_NONE | peerMaxConcurrentStreams = 100 | settings =
            {} | remoteCustomSettings | unknownProtocolTimeout = 10000 | selectPadding |
            maxSessionInvalidFrames = 1000 | maxSessionRejectedStreams = 100 | streamResetBurst =
            1000 | streamResetRate = 33 | maxReservedRemoteStreams = 200 | protocol = 'https:' |
            createConnection | servername = authority host unless it is an IP |
            net.connect/tls.connect options (ca, cert, key, rejectUnauthorized, lookup,
            localAddress, family, ...) | listener
        ]],
    },
    {owner = "options:request",
        option = [[
            endStream = true for GET, HEAD, DELETE; else false | exclusive = false | parent = 0 |
            weight = 16 | silent = false | waitForTrailers = false | signal | getTrailers
        ]],
    },
    {owner = "options:respond",
        option = [[
            endStream = false | waitForTrailers = false | sendDate = true | getTrailers
        ]],
    },
    {owner = "options:respondWithFD",
        option = [[
            statCheck | waitForTrailers = false | offset = 0 | length = -1 (to the end) | sendDate
            = true
        ]],
    },
    {owner = "options:respondWithFile",
        option = [[
            statCheck | onError | waitForTrailers = false | offset = 0 | length = -1 | sendDate =
            true
        ]],
    },
    {owner = "options:pushStream",
        option = [[
            exclusive = false | parent | endStream = false (true for HEAD)
        ]],
    },
    {owner = "options:priority",
        option = [[
            exclusive = false | parent = 0 | weight = 16 | silent = false
        ]],
    },
    {owner = "options:getUnpackedSettings",
        option = [[
            validate = false
        ]],
    },
    {owner = "Settings",
        field = [[
            headerTableSize = 4096 | enablePush = true | initialWindowSize = 65535 | maxFrameSize
            = 16384 | maxConcurrentStreams = 4294967295 | maxHeaderListSize = 65535
            (getDefaultSettings); 4294967295 on a session that was not told otherwise |
            maxHeaderSize = same as maxHeaderListSize | enableConnectProtocol = false |
            customSettings = absent
        ]],
    },
    {owner = "SessionState",
        field = [[
            effectiveLocalWindowSize | effectiveRecvDataLength | nextStreamID | localWindowSize |
            lastProcStreamID | remoteWindowSize | outboundQueueSize | deflateDynamicTableSize |
            inflateDynamicTableSize
        ]],
    },
    {owner = "StreamState",
        field = [[
            state | weight | sumDependencyWeight | localClose | remoteClose | localWindowSize
        ]],
    },
    {owner = "HeadersObject",
        field = [[
            outgoing values | incoming object | [sensitiveHeaders] outgoing = absent |
            [sensitiveHeaders] incoming = [] | rawHeaders
        ]],
    },
    {owner = "PerformanceEntry:Http2Stream",
        field = [[
            name | entryType | startTime | duration | bytesRead | bytesWritten | id |
            timeToFirstByte | timeToFirstByteSent | timeToFirstHeader
        ]],
    },
    {owner = "PerformanceEntry:Http2Session",
        field = [[
            name | entryType | startTime | duration | bytesRead | bytesWritten | framesReceived |
            framesSent | maxConcurrentStreams | pingRTT | streamAverageDuration | streamCount |
            type
        ]],
    },
    {owner = "Http2ServerRequest",
        event = [[
            aborted | close | data | end | readable | error | timeout
        ]],
        property = [[
            aborted = false | authority | complete | connection | headers | httpVersion = '2.0' |
            httpVersionMajor = 2 | httpVersionMinor = 0 | method | rawHeaders | rawTrailers = [] |
            scheme | socket | stream | trailers = {} | url
        ]],
        method = [[
            destroy | setTimeout | read | pause | resume | pipe | setEncoding | unshift
        ]],
    },
    {owner = "Http2ServerResponse",
        event = [[
            close | finish | drain | timeout | pipe | unpipe | error
        ]],
        method = [[
            addTrailers | setTrailer | appendHeader | createPushResponse | end | cork | uncork |
            destroy | flushHeaders | getHeader | getHeaderNames | getHeaders | hasHeader |
            removeHeader | setHeader | setTimeout | write | writeContinue | writeEarlyHints |
            writeHead
        ]],
        property = [[
            connection | finished = false | headersSent = false | _header | req | sendDate = true
            | socket | statusCode = 200 | statusMessage = '' | stream | writableEnded = false |
            writable = true | writableCorked | writableFinished | writableHighWaterMark |
            writableLength
        ]],
    },
    {owner = "SocketProxy:session",
        method = [[
            setTimeout | ref | unref | destroy | emit | end | pause | read | resume | write |
            setEncoding | setKeepAlive | setNoDelay
        ]],
        property = [[
            (anything else)
        ]],
    },
    {owner = "SocketProxy:compat",
        method = [[
            on | once | end | emit | destroy | setTimeout | write | read | pause | resume
        ]],
        property = [[
            writable | destroyed | readable | (anything else)
        ]],
    },
}

-- The names of one kind: {{name, default}, ...}.
local function parse(text)
    local entries = {}
    for item in (text:gsub("%s+", " ") .. "|"):gmatch(" ?(.-) ?|") do
        local name, default = item:match("^(.-) = (.*)$")
        entries[#entries + 1] = {name = name or item, default = default}
    end
    return entries
end

--- All entries, {owner, name, kind, default}, owner by owner.
local entries = {}
for _, group in ipairs(contract) do
    for _, kind in ipairs{
        "function", "property", "method", "event", "option", "field", "constant-group",
    } do
        for _, entry in ipairs(group[kind] and parse(group[kind]) or {}) do
            entry.owner, entry.kind = group.owner, kind
            entries[#entries + 1] = entry
        end
    end
end

return entries
