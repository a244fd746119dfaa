/**
 * Opens where the lines of `-audit` and `-audit-fd` go.
 *
 * @module
 */
import { InheritedOutput } from "../process/inherited_output.ts";
import { OutputFile } from "../process/output_file.ts";
import type { AuditFile } from "../../forward/audit/audit_writer.ts";
import type { SharedOptions } from "../../forward/cli/flags/options.ts";
import * as lines from "../../forward/report/contract_lines.ts";
import { attempt, StartFailed } from "../../forward/report/start_failed.ts";

/** Opens it; null: there is no audit. The descriptor is taken over already. Throws a {@linkcode StartFailed}. */
export function openAudit({ audit: path, auditFd: fd }: Pick<SharedOptions, "audit" | "auditFd">): AuditFile | null {
  if (path !== null && fd !== null) {
    throw new StartFailed(
      lines.ExitStatus.BAD_FLAGS,
      lines.problem("-audit and -audit-fd: only one of them can be given"),
    );
  }
  if (fd !== null) return new InheritedOutput(fd);
  if (path === null) return null;
  return attempt(lines.ExitStatus.FAILURE, lines.auditFailed, () => OutputFile.append(path));
}
