// Shows what the browser negotiated for the page and for each of its files.
addEventListener("load", () => {
    const [page] = performance.getEntriesByType("navigation");
    document.getElementById("protocol").textContent = page.nextHopProtocol;
    document.getElementById("files").textContent = performance
        .getEntriesByType("resource")
        .map((file) => `${new URL(file.name).pathname} (${file.nextHopProtocol})`)
        .join(", ");
});
