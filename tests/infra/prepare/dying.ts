import type { StepListener } from '../../../infra/prepare/step.ts'
import { run } from '../preflight/shop.ts'

/** One table for each way in which a replica identity is changed. */
export async function makeIdentities(url: string): Promise<void> {
  await run(
    url,
    `ALTER TABLE "_PersonToTag" ALTER "A" SET NOT NULL, REPLICA IDENTITY USING INDEX "_PersonToTag_AB_unique";
     ALTER TABLE "Tag" REPLICA IDENTITY NOTHING; ALTER TABLE "Order" REPLICA IDENTITY FULL`,
  )
}

/** Whether the action reached its nth step, after which it was made to die. */
export async function dies(action: (onStep: StepListener) => Promise<unknown>, last: number): Promise<boolean> {
  let step = 0
  const died = new Error('It died here.')
  try {
    await action(() => {
      step += 1
      if (step === last) throw died
    })
    return false
  } catch (error) {
    if (error !== died) throw error
    return true
  }
}
