// The bodies of spec/support/payload.lua: lines of 16 octets, each with its number.
"use strict";

exports.make = function make(size) {
    const lines = [];
    for (let number = 0; number * 16 <= size; number++)
        lines.push(String(number).padStart(15, "0") + "\n");
    return Buffer.from(lines.join("")).subarray(0, size);
};
