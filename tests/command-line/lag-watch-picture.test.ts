import { readFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { LAG_WATCH_PICTURE, lagWatchPicture } from './lag-watch-picture.ts'

test("the documentation's picture is what the view draws: node --import tsx tests/command-line/lag-watch-picture.ts draws it anew", async () => {
  assert.is(await readFile(LAG_WATCH_PICTURE, 'utf8'), await lagWatchPicture())
})

test.run()
