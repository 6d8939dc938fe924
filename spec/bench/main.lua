--- Runs benchmarks: main.lua [--quick|--medium] [--rounds N] [--seconds S] [--list] [name ...];
--- started by `run` beside it.
local measure = require("spec.bench.support.measure")
local report = require("spec.bench.support.report")
local results = require("spec.bench.support.results")

-- In the order of their running.
local names = {
    "small", "sizes", "file", "uploads", "mixed", "client", "client_bodies", "hpack",
    "connecting", "idle_memory", "stream_memory", "by_connections", "by_streams", "by_headers",
    "processes", "far",
}

local function load_case(name)
    local case = require("spec.bench.cases." .. name)
    case.name = name
    return case
end

local function list()
    for _, name in ipairs(names) do
        local case = load_case(name)
        print(("%-16s %s, %s"):format(name, case.title, case.unit))
    end
end

local function run(name)
    local case = load_case(name)
    local found = results.new(case)
    local settings = measure.settings
    for _ = 1, case.rounds or case.is_slow and settings.slow_rounds or settings.rounds do
        case.round(found)
    end
    report.print(found)
    report.write(found)
    if #found.groups > 0 then
        report.draw(found)
    end
end

local function read_number(i)
    local value = tonumber(arg[i + 1])
    if not value or value <= 0 then
        error(arg[i] .. " needs a number", 0)
    end
    return value
end

local chosen, numbers, is_list = {}, {}, false
local i = 1
while arg[i] do
    local word = arg[i]
    if word == "--quick" or word == "--medium" then
        measure.be(word:sub(3))
    elseif word == "--rounds" or word == "--seconds" then
        numbers[word:sub(3)] = read_number(i)
        i = i + 1
    elseif word == "--list" then
        is_list = true
    else
        chosen[#chosen + 1] = word
    end
    i = i + 1
end
if is_list then
    return list()
end
for name, value in pairs(numbers) do
    measure.set(name, value)
end
local settings = measure.settings
print(("%d rounds of %g s each, medians; results and charts are in build/bench"):format(
    settings.rounds, settings.seconds))
for _, name in ipairs(#chosen > 0 and chosen or names) do
    run(name)
end
