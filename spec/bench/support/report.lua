--- A case's results as a table for people, as JSON, and as a chart.
local cjson = require("cjson")

local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")

local report = {}

local folder = "build/bench"

-- ---- The table ----------------------------------------------------------------------------------

local function figure(value)
    if value >= 100 then
        return ("%.0f"):format(value)
    end
    return ("%.3g"):format(value)
end

local function cell(results, group, contender)
    local value = results:median(group, contender)
    if not value then
        return "-"
    end
    local ratio = results:ratio(group, contender)
    return ratio and ("%s (%.2f)"):format(figure(value), ratio) or figure(value)
end

local function width_of(group)
    return math.max(16, #group + 2)
end

local function pad(text, width)
    return ("%" .. width .. "s"):format(text)
end

function report.print(results)
    local case = results.case
    local line = {pad("", -22)}
    for _, group in ipairs(results.groups) do
        line[#line + 1] = pad(group, width_of(group))
    end
    print(("\n%s, %s%s%s"):format(case.title, case.unit, case.is_less_better and ", less is better"
        or "", case.baseline and "; in brackets: times " .. case.baseline or ""))
    print(table.concat(line))
    for _, contender in ipairs(results.contenders) do
        line = {pad(contender, -22)}
        for _, group in ipairs(results.groups) do
            line[#line + 1] = pad(cell(results, group, contender), width_of(group))
        end
        print(table.concat(line))
    end
    for _, failure in ipairs(results.failures) do
        print("  not measured: " .. failure)
    end
    for _, matter in ipairs(results.remarks) do
        print(("  %s: %s"):format(matter, results.remarks[matter]))
    end
end

-- ---- JSON ---------------------------------------------------------------------------------------

local function capture(command)
    local pipe = io.popen(command .. " 2>/dev/null")
    local line = pipe:read("l")
    pipe:close()
    return line
end

local function machine()
    return {
        date = os.date("!%Y-%m-%dT%H:%M:%SZ"), kernel = capture("uname -sr"),
        processor = capture("sed -n 's/^model name.*: //p' /proc/cpuinfo"), cores = measure.cores,
        commit = capture("git rev-parse --short HEAD"),
        load_average = capture("cut -d' ' -f1 /proc/loadavg"),
        lua = capture("lua5.4 -v"), luajit = capture("luajit -v"),
        nghttpd = capture("nghttpd --version"), h2o = capture("h2o --version"),
        nginx = capture("nginx -v 2>&1"), node = capture("node --version"),
    }
end

function report.write(results)
    local case, values, remarks = results.case, {}, {}
    for _, matter in ipairs(results.remarks) do
        remarks[matter] = results.remarks[matter]
    end
    for _, group in ipairs(results.groups) do
        for _, contender in ipairs(results.contenders) do
            if results.samples[group][contender] then
                values[#values + 1] = {
                    group = group, contender = contender, median = results:median(group, contender),
                    ratio = results:ratio(group, contender),
                    samples = results.samples[group][contender],
                }
            end
        end
    end
    process.write_file(("%s/%s.json"):format(folder, case.name), cjson.encode{
        name = case.name, title = case.title, unit = case.unit, baseline = case.baseline,
        settings = measure.settings, machine = machine(), values = values,
        remarks = next(remarks) and remarks,
        not_measured = #results.failures > 0 and {table.unpack(results.failures)} or nil,
    } .. "\n")
end

-- ---- The chart ----------------------------------------------------------------------------------

local function columns(results)
    local lines = {'"group"'}
    for _, contender in ipairs(results.contenders) do
        lines[1] = lines[1] .. (' "%s"'):format(contender)
    end
    for _, group in ipairs(results.groups) do
        local line = {results.case.axis and group or ('"%s"'):format(group)}
        for _, contender in ipairs(results.contenders) do
            line[#line + 1] = tostring(results:median(group, contender) or "?")
        end
        lines[#lines + 1] = table.concat(line, " ")
    end
    return table.concat(lines, "\n") .. "\n"
end

local bars = [[
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set boxwidth 0.9
plot for [i=2:%d] data using i:xtic(1) title columnheader(i)
]]

local lines = [[
set logscale x
set xlabel "%s"
plot for [i=2:%d] data using 1:i:xtic(1) with linespoints lw 2 pt 7 title columnheader(i)
]]

local head = [[
set terminal pngcairo size 1100,600 font "DejaVu Sans,11"
set output "%s/%s.png"
set datafile missing "?"
set title "%s" noenhanced
set ylabel "%s" noenhanced
set grid ytics
set key outside right top noenhanced
set yrange [0:*]
set linetype 9 lc rgb "#7f7f7f"
set linetype 10 lc rgb "#8c564b"
set linetype 11 lc rgb "#17becf"
set linetype cycle 11
%s
data = "%s"
]]

function report.draw(results)
    local case, last = results.case, #results.contenders + 1
    local work = process.folder()
    process.write_file(work .. "/data", columns(results))
    local script = head:format(folder, case.name, case.title, case.unit,
        case.is_wide and "unset yrange\nset logscale y" or "", work .. "/data") ..
        (case.axis and lines:format(case.axis, last) or bars:format(last))
    process.write_file(work .. "/script", script)
    local result = process.run({"gnuplot", work .. "/script"}, {seconds = 60})
    process.remove(work)
    assert(result.status == 0, result.err)
end

return report
