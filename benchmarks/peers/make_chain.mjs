/* Compiles and executes the chain y = y*y + 3 in Noir for Barretenberg.
 *
 *   node make_chain.mjs FOLDER STEPS     FOLDER has the node_modules with @noir-lang/noir_wasm and @noir-lang/noir_js
 *
 * Writes FOLDER/chain_STEPS/{program.json, witness.gz}. Every intermediate y is a private full-size field value; the start
 * is private, the end is public. The loop unrolls, so that there is one gate a step.
 */
import { createRequire } from 'node:module';
import * as fs from 'node:fs';
import * as path from 'node:path';

const folder = path.resolve(process.argv[2]);
const steps = Number(process.argv[3]);
const require = createRequire(path.join(folder, 'package.json'));
const { compile_program, createFileManager } = require('@noir-lang/noir_wasm');
const { Noir } = require('@noir-lang/noir_js');

const START = '0x1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a';
const project = path.join(folder, `chain_${steps}`);
fs.mkdirSync(path.join(project, 'src'), { recursive: true });
fs.writeFileSync(path.join(project, 'Nargo.toml'), '[package]\nname = "chain"\ntype = "bin"\n[dependencies]\n');
fs.writeFileSync(path.join(project, 'src', 'main.nr'), `fn main(x: Field) -> pub Field {
    let mut y = x;
    for _ in 0..${steps} {
        y = y * y + 3;
    }
    y
}
`);

const compiled = await compile_program(createFileManager(project));
const program = compiled.program ?? compiled;
fs.writeFileSync(path.join(project, 'program.json'), JSON.stringify(program));
const { witness } = await new Noir(program).execute({ x: START });
fs.writeFileSync(path.join(project, 'witness.gz'), witness);
