// A gateway of Arweave for tests, which takes nothing that arweave-js does not find right: transactions by their signatures,
// chunks by their paths. GET /lie makes it give back other bytes from then on.
//
// Usage: node arweave_gateway.mjs FILE   (FILE gets its address)
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { renameSync, writeFileSync } from "node:fs";

const require = createRequire(new URL("../../contracts/package.json", import.meta.url));
const Arweave = require("arweave");
const { generateTransactionChunks, validatePath } = require("arweave/node/lib/merkle.js");
const { b64UrlToBuffer, bufferTob64Url } = require("arweave/node/lib/utils.js");
const arweave = Arweave.init({ host: "127.0.0.1", port: 1, protocol: "http" });
const stored = new Map(); // id -> { tx, data, missing }
let lies = false;

async function takeTransaction(raw) {
    const tx = arweave.transactions.fromRaw({ ...raw, data: b64UrlToBuffer(raw.data) });
    if (!(await arweave.transactions.verify(tx))) return [400, "Transaction verification failed."];
    const size = Number(raw.data_size);
    const data = new Uint8Array(size);
    const inline = b64UrlToBuffer(raw.data);
    if (inline.length > 0) {
        const { data_root } = await generateTransactionChunks(inline);
        if (inline.length !== size || bufferTob64Url(data_root) !== raw.data_root) return [400, "data_root"];
        data.set(inline);
    }
    stored.set(raw.id, { root: raw.data_root, data, missing: size - inline.length });
    return [200, "OK"];
}

async function takeChunk(c) {
    const entry = [...stored.values()].find((e) => e.root === c.data_root);
    if (!entry) return [400, "data_root_not_found"];
    const chunk = b64UrlToBuffer(c.chunk);
    const found = await validatePath(b64UrlToBuffer(c.data_root), Number(c.offset), 0, Number(c.data_size),
        b64UrlToBuffer(c.data_path));
    if (!found || found.chunkSize !== chunk.length) return [400, "invalid_proof"];
    const path = b64UrlToBuffer(c.data_path);
    const hash = createHash("sha256").update(chunk).digest();
    if (!hash.equals(Buffer.from(path.slice(-64, -32)))) return [400, "invalid_chunk"];
    entry.data.set(chunk, found.leftBound);
    entry.missing -= chunk.length;
    return [200, "OK"];
}

async function answer(method, path, body) {
    if (path === "/lie") lies = true;
    if (path === "/tx_anchor") return [200, bufferTob64Url(createHash("sha384").update("anchor").digest())];
    if (path.startsWith("/price/")) return [200, String(1000 + 10 * Number(path.slice(7)))];
    if (path.startsWith("/wallet/")) return [200, "1000000000000"];
    if (method === "POST" && path === "/tx") return takeTransaction(JSON.parse(body));
    if (method === "POST" && path === "/chunk") return takeChunk(JSON.parse(body));
    const id = path.startsWith("/tx/") ? path.slice(4, 47) : path.slice(1);
    const entry = stored.get(id);
    if (!entry) return [404, "Not Found."];
    if (path.startsWith("/tx/")) return [202, "Pending"];
    if (entry.missing !== 0) return [404, "Not all chunks are here."];
    const data = Buffer.from(entry.data);
    if (lies) data[data.length >> 1] ^= 1;
    return [200, data];
}

const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
        let said;
        try {
            said = await answer(request.method, request.url, Buffer.concat(parts).toString());
        } catch (error) {
            said = [400, String(error)];
        }
        response.writeHead(said[0], { "Content-Length": Buffer.byteLength(said[1]) });
        response.end(said[1]);
    });
});
server.listen(0, "127.0.0.1", () => {
    writeFileSync(process.argv[2] + ".new", `http://127.0.0.1:${server.address().port}`);
    renameSync(process.argv[2] + ".new", process.argv[2]);
});
