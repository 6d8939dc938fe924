// Shows what the page was loaded over, the server's clock, and what the forms' handlers answer.
async function greet(name) {
    const body = new URLSearchParams({name});
    return (await fetch("/greet", {method: "POST", body})).text();
}

async function upload(octets) {
    const body = new FormData();
    body.append("note", "a note");
    body.append("file", new Blob([new Uint8Array(octets)]), "octets.bin");
    return (await fetch("/upload", {method: "POST", body})).json();
}

function ticks(count) {
    return new Promise((resolve, reject) => {
        const seen = [];
        const source = new EventSource("/clock");
        source.onerror = () => reject(new Error("no clock"));
        source.onmessage = event => {
            document.getElementById("clock").textContent = event.data;
            seen.push(event.data);
            if (seen.length === count) {
                source.close();
                resolve(count);
            }
        };
    });
}

async function main() {
    const [entry] = performance.getEntriesByType("navigation");
    document.getElementById("protocol").textContent = entry.nextHopProtocol;
    const files = await upload(300000);
    const report = [
        "protocol=" + entry.nextHopProtocol,
        "greeting=" + await greet("J\u00f6rg & co"),
        "uploaded=" + files.map(file => file.name + ":" + file.size).join(","),
        "ticks=" + await ticks(2),
        "colour=" + getComputedStyle(document.body).color,
    ];
    document.getElementById("report").textContent = report.join("\n");
}

main().catch(problem => { document.getElementById("report").textContent = problem; });
