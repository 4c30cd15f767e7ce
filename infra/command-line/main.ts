#!/usr/bin/env -S node --max-semi-space-size=2 --heap-growing-percent=200
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addBackup } from './backup.ts'
import { addCancel } from './cancel.ts'
import { addConsume } from './consume.ts'
import { addContracts } from './contracts.ts'
import { addDemo } from './demo.ts'
import { addLag } from './lag.ts'
import { addParked } from './parked.ts'
import { addPreflight } from './preflight.ts'
import { addPrepare } from './prepare.ts'
import { addPublish } from './publish.ts'
import { runCommandLine } from './run.ts'
import { addReplay } from './replay.ts'
import { addStatus } from './status.ts'
import { addVerify } from './verify.ts'

const exitCode = await runCommandLine(
  {
    arguments: process.argv.slice(2),
    environment: process.env,
    folder: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    // `.ts` here, `.js` in the compiled package.
    defaultContracts: fileURLToPath(
      new URL(`../../contracts/archimodeler/contract-set${extname(import.meta.url)}`, import.meta.url),
    ),
  },
  [
    addBackup,
    addPreflight,
    addPrepare,
    addPublish,
    addConsume,
    addReplay,
    addStatus,
    addLag,
    addParked,
    addVerify,
    addCancel,
    addContracts,
    addDemo,
  ],
)
// Sockets that linger must not keep the process.
process.exit(exitCode)
