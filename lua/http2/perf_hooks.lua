--- PerformanceObserver, for the entries of sessions and streams (entry type "http2").
local core = require("http2_core")

local perf_hooks = {performance = {now = core.now}}

local observers = {} -- those that observe
local has_batch = false -- an immediate is on its way to tell them

-- ------------------------------------------------------------------------------- entry lists

local List = {}
List.__index = List
List.__name = "PerformanceObserverEntryList"

local function check_this(self, class)
    if getmetatable(self) ~= class then
        core.raise("TypeError", "ERR_INVALID_THIS",
            ('Value of "self" must be an instance of %s'):format(class.__name))
    end
end

local function select_entries(list, field, wanted)
    local found = {}
    for _, entry in ipairs(list.entries) do
        if wanted == nil or entry[field] == wanted then
            found[#found + 1] = entry
        end
    end
    return found
end

function List:getEntries()
    check_this(self, List)
    return select_entries(self)
end

function List:getEntriesByName(name, entry_type)
    check_this(self, List)
    local found = select_entries(self, "name", name)
    return select_entries({entries = found}, "entryType", entry_type)
end

function List:getEntriesByType(entry_type)
    check_this(self, List)
    return select_entries(self, "entryType", entry_type)
end

-- ------------------------------------------------------------------------------- observers

-- Gives each observer what has gathered for it.
local function tell_observers()
    has_batch = false
    local told = {}
    for observer in pairs(observers) do
        told[#told + 1] = observer
    end
    for _, observer in ipairs(told) do
        local entries = observer:takeRecords()
        if #entries > 0 then
            observer.callback(setmetatable({entries = entries}, List), observer)
        end
    end
end

-- The figures are those of the entry and of its `detail`.
local function take_entry(entry)
    local detail = {}
    for name, value in pairs(entry) do
        if name ~= "name" and name ~= "entryType" and name ~= "startTime" and
            name ~= "duration" then
            detail[name] = value
        end
    end
    entry.detail = detail
    for observer in pairs(observers) do
        observer.buffer[#observer.buffer + 1] = entry
    end
    if not has_batch then
        has_batch = true
        core.setImmediate(tell_observers)
    end
end

local Observer = {}
Observer.__index = Observer
Observer.__name = "PerformanceObserver"

local function wants_http2(options)
    if options.entryTypes == nil then
        return options.type == "http2"
    end
    for _, name in ipairs(options.entryTypes) do
        if name == "http2" then
            return true
        end
    end
    return false
end

--- observer:observe{entryTypes = {"http2"}} or {type = "http2"}; other types have no entries here.
function Observer:observe(options)
    check_this(self, Observer)
    if type(options) ~= "table" then
        core.raise("TypeError", "ERR_INVALID_ARG_TYPE",
            'The "options" argument must be of type table')
    elseif options.entryTypes == nil and options.type == nil then
        core.raise("TypeError", "ERR_MISSING_ARGS",
            'The "options.entryTypes" or "options.type" argument must be specified')
    elseif options.entryTypes ~= nil and type(options.entryTypes) ~= "table" then
        core.raise("TypeError", "ERR_INVALID_ARG_TYPE",
            'The "options.entryTypes" property must be a sequence of names')
    end
    observers[self] = wants_http2(options) or nil
    core.observe(next(observers) and take_entry or nil)
end

--- Ends it; entries that it was not told of yet are dropped.
function Observer:disconnect()
    check_this(self, Observer)
    observers[self] = nil
    self.buffer = {}
    core.observe(next(observers) and take_entry or nil)
end

--- Takes the entries that it was not told of yet.
function Observer:takeRecords()
    check_this(self, Observer)
    local entries = self.buffer
    self.buffer = {}
    return entries
end

--- An observer: callback(list, observer) hears of the entries that have gathered in a turn.
function perf_hooks.PerformanceObserver(callback)
    if type(callback) ~= "function" then
        core.raise("TypeError", "ERR_INVALID_ARG_TYPE",
            'The "callback" argument must be of type function')
    end
    return setmetatable({callback = callback, buffer = {}}, Observer)
end

return perf_hooks
