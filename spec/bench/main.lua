--- Runs benchmarks: main.lua [--quick] [--list] [name ...]; started by `run` beside it.
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
    for _ = 1, case.rounds or measure.settings.rounds do
        case.round(found)
    end
    report.print(found)
    report.write(found)
    if #found.groups > 0 then
        report.draw(found)
    end
end

local chosen = {}
for _, word in ipairs(arg) do
    if word == "--quick" then
        measure.be_quick()
    elseif word == "--list" then
        return list()
    else
        chosen[#chosen + 1] = word
    end
end
local settings = measure.settings
print(("%d rounds of %g s each, medians; results and charts are in build/bench"):format(
    settings.rounds, settings.seconds))
for _, name in ipairs(#chosen > 0 and chosen or names) do
    run(name)
end
