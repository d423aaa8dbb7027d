// What arweave-js says of transactions and chunks. It is found in contracts/node_modules.
//
// Usage: node arweave_check.mjs transaction TX.json WALLET.json  -> signed deep hash (hex), id, "true" when the
//            signature is good, "true" when a signature of arweave-js over the same verifies with this owner
//        node arweave_check.mjs chunks FILE  -> data root, then for each chunk: offset, path
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(new URL("../../contracts/package.json", import.meta.url));
const Arweave = require("arweave");
const { generateTransactionChunks } = require("arweave/node/lib/merkle.js");
const { bufferTob64Url, b64UrlToBuffer } = require("arweave/node/lib/utils.js");
const [what, file, wallet] = process.argv.slice(2);
const arweave = Arweave.init({ host: "127.0.0.1", port: 1, protocol: "http" });

if (what === "transaction") {
    const tx = arweave.transactions.fromRaw(JSON.parse(readFileSync(file, "utf8")));
    const signed = await tx.getSignatureData();
    console.log(Buffer.from(signed).toString("hex"));
    console.log(tx.id);
    console.log(await arweave.transactions.verify(tx));
    const key = JSON.parse(readFileSync(wallet, "utf8"));
    const own = await arweave.crypto.sign(key, signed);
    console.log(await arweave.crypto.verify(tx.owner, signed, own));
    console.log(await arweave.wallets.jwkToAddress(key));
} else {
    const { data_root, chunks, proofs } = await generateTransactionChunks(readFileSync(file));
    console.log(bufferTob64Url(data_root));
    proofs.forEach((p, i) => console.log(p.offset, bufferTob64Url(p.proof), chunks[i].minByteRange));
}
