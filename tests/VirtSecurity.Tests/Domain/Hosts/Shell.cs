using System.Diagnostics;
using System.Text;
using VirtSecurity.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>A real POSIX shell that reads a script from standard input, as the one at the far end of ssh does.</summary>
internal sealed class Shell : IDisposable
{
    private readonly Process process;
    private readonly Task<byte[]> error;
    private Task writing = Task.CompletedTask;

    private Shell(string shell, string? nonce)
    {
        string[] run = nonce is null ? [] : [$"{SshScript.RunVariable}={nonce}"];
        string[] clean = ["-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/"];
        process = Process.Start(new ProcessStartInfo("/usr/bin/env", [.. clean, .. run, .. shell.Split(' '), "-s"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        error = ReadAsync(process.StandardError.BaseStream);
    }

    /// <summary>Shells that run the host's own tools: dash is Debian's sh, bash is RHEL's.</summary>
    public static TheoryData<string> WithCoreutils { get; } = Present("/bin/sh", "/bin/bash --posix");

    /// <summary>And the smallest one. Debian's busybox takes its own timeout before the host's, and that passes no signal on.</summary>
    public static TheoryData<string> All { get; } = Present("/bin/sh", "/bin/bash --posix", "/usr/bin/busybox sh");

    /// <summary>What it and its tools said on standard error, once they have ended.</summary>
    public byte[] Error => error.Result;

    public Stream Output => process.StandardOutput.BaseStream;

    /// <summary>Starts a shell and gives it the whole script, while it may print already.</summary>
    public static Shell Start(string shell, byte[] script, string? nonce = null)
    {
        var started = new Shell(shell, nonce);
        started.writing = Task.Run(() => started.Write(script));
        return started;
    }

    /// <summary>What a script prints, and its exit code.</summary>
    public static (int Code, byte[] Output, string Error) Run(string shell, byte[] script)
    {
        using var started = Start(shell, script);
        using var output = new MemoryStream();
        started.Output.CopyTo(output);
        return (started.Wait(), output.ToArray(), Encoding.UTF8.GetString(started.Error));
    }

    public int Wait()
    {
        process.WaitForExit();
        writing.Wait();
        return process.ExitCode;
    }

    /// <summary>Ends the shell at once, as a lost connection may; what it started lives on.</summary>
    public void Kill() => process.Kill();

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    private void Write(byte[] script)
    {
        try
        {
            process.StandardInput.BaseStream.Write(script);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It did not want to read all of it.
        }
    }

    private static TheoryData<string> Present(params string[] shells) => [.. shells.Where(shell => File.Exists(shell.Split(' ')[0]))];

    public void Dispose() => process.Dispose();
}
