--- AbortController and AbortSignal: ways to end requests that were begun elsewhere.
local core = require("http2_core")

local abort = {}

local signal_methods = {}

--- Raises the reason of a signal that is aborted.
function signal_methods.throwIfAborted(signal)
    if signal.aborted then
        error(signal.reason, 0)
    end
end

local function new_signal()
    local signal = core.EventEmitter()
    signal.aborted = false
    signal.throwIfAborted = signal_methods.throwIfAborted
    return signal
end

local function abort_signal(signal, reason)
    if signal.aborted then
        return
    end
    if reason == nil then
        reason = core.newError("AbortError", "ABORT_ERR", "This operation was aborted")
    end
    signal.aborted = true
    signal.reason = reason
    signal:emit("abort", reason)
end

local Controller = {}
Controller.__index = Controller
Controller.__name = "AbortController"

--- Aborts the signal, once: its `reason` is the one given or an AbortError, and "abort" is emitted.
function Controller:abort(reason)
    if getmetatable(self) ~= Controller then
        core.raise("TypeError", "ERR_INVALID_THIS",
            'Value of "self" must be an instance of AbortController')
    end
    abort_signal(self.signal, reason)
end

--- A controller with its `signal`.
function abort.AbortController()
    return setmetatable({signal = new_signal()}, Controller)
end

abort.AbortSignal = {}

--- A signal that is aborted already.
function abort.AbortSignal.abort(reason)
    local signal = new_signal()
    abort_signal(signal, reason)
    return signal
end

--- A signal that aborts itself after so many milliseconds; it does not keep the loop running.
function abort.AbortSignal.timeout(ms)
    local signal = new_signal()
    core.setTimeout(function()
        abort_signal(signal, core.newError("TimeoutError", "ABORT_ERR",
            "The operation was aborted due to timeout"))
    end, ms):unref()
    return signal
end

local function check_signals(signals)
    local is_right = type(signals) == "table"
    for _, signal in ipairs(is_right and signals or {}) do
        local kind = type(signal)
        is_right = is_right and (kind == "table" or kind == "userdata")
            and type(signal.aborted) == "boolean"
    end
    if not is_right then
        core.raise("TypeError", "ERR_INVALID_ARG_TYPE",
            'The "signals" argument must be a sequence of AbortSignals')
    end
end

--- A signal that aborts with the first of several.
function abort.AbortSignal.any(signals)
    check_signals(signals)
    local signal = new_signal()
    for _, source in ipairs(signals) do
        if source.aborted then
            abort_signal(signal, source.reason)
        else
            source:once("abort", function()
                abort_signal(signal, source.reason)
            end)
        end
    end
    return signal
end

return abort
