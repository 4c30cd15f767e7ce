import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'

/** A folder of programs that print what is given for each name, whatever they are asked, for as long as `use` takes. */
export async function withPrograms<Result>(
  outputs: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(`${tmpdir()}/programs-`)
  try {
    // The servers' user must be able to run them too.
    await chmod(folder, 0o755)
    for (const [name, output] of Object.entries(outputs)) {
      await writeFile(`${folder}/${name}`, `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 })
    }
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
