--- Files to be sent, in a folder of the spec's own, and scenes of one request for them.
local busted = require("busted")
local pair = require("spec.support.pair")
local process = require("spec.support.process")

local files = {}

local folder

--- There is a folder as long as the specs of a file run.
function files.use_folder()
    busted.setup(function()
        folder = process.folder()
    end)
    busted.teardown(function()
        process.remove(folder)
    end)
end

function files.path(name)
    return folder .. "/" .. name
end

--- Writes a file, and gives its path.
function files.write(name, content)
    process.write_file(files.path(name), content)
    return files.path(name)
end

--- Plays a scene in which the client sends one GET and the server's stream goes to `handler`. Gives
--- both views: {status, headers, body, trailers, code, err}, {code, err, handler_error, stream}.
function files.serve(handler, request, options)
    local client_view, server_view = nil, {}
    pair.play{
        seconds = options and options.seconds,
        client_options = options and options.client_options,
        handler_error = function(err)
            server_view.handler_error = err
        end,
        server = function(server)
            server:on("stream", function(stream)
                server_view.stream = stream
                if not (options and options.no_error_listener) then
                    stream:on("error", function(err)
                        server_view.err = err
                    end)
                end
                stream:on("close", function()
                    server_view.code = stream.rstCode
                end)
                handler(stream)
            end)
        end,
        client = function(session)
            client_view = pair.view(session:request(request or {[":path"] = "/"}), function()
                session:close()
            end)
        end,
    }
    return client_view, server_view
end

return files
