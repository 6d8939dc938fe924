--- What was measured in one case: values by group (a column of the table) and contender (a row),
--- both in the order in which they first came.
local results = {}
results.__index = results

function results.new(case)
    return setmetatable({
        case = case, groups = {}, contenders = {}, samples = {}, failures = {}, remarks = {},
    }, results)
end

local function remember(list, name)
    if not list[name] then
        list[#list + 1] = name
        list[name] = true
    end
end

function results:note(group, contender, value)
    group = tostring(group)
    remember(self.groups, group)
    remember(self.contenders, contender)
    self.samples[group] = self.samples[group] or {}
    local list = self.samples[group][contender] or {}
    self.samples[group][contender] = list
    list[#list + 1] = value
end

--- What could not be measured, once for each reason.
function results:fail(contender, reason)
    local line = contender .. ": " .. tostring(reason):gsub("\n.*", "")
    remember(self.failures, line)
end

--- What is to be known of a figure; the last remark on a matter counts.
function results:remark(matter, text)
    remember(self.remarks, matter)
    self.remarks[matter] = text
end

--- Measures by `body`, which gives a value; where it fails, says so at the end.
function results:try(group, contender, body)
    local is_done, value = pcall(body)
    if is_done then
        self:note(group, contender, value)
    else
        self:fail(("%s (%s)"):format(contender, group), value)
    end
end

function results:median(group, contender)
    local samples = self.samples[group][contender]
    if not samples then
        return nil
    end
    local sorted = table.move(samples, 1, #samples, 1, {})
    table.sort(sorted)
    local middle = #sorted // 2
    if #sorted % 2 == 1 then
        return sorted[middle + 1]
    end
    return (sorted[middle] + sorted[middle + 1]) / 2
end

--- How many times the baseline's median it is, or nil.
function results:ratio(group, contender)
    local baseline = self.case.baseline and self:median(group, self.case.baseline)
    local own = self:median(group, contender)
    return baseline and own and baseline > 0 and own / baseline or nil
end

return results
