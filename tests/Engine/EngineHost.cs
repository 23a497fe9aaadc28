using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Internal;
using System.Security;

namespace VirtSecurity.Engine;

/// <summary>A console of a given width whose questions are answered from a list.</summary>
internal sealed class EngineHost(Options options, TextWriter output) : PSHost
{
    private readonly EngineUI ui = new(options, output);

    public EngineUI Console => ui;
    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;
    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;
    public override Guid InstanceId { get; } = Guid.NewGuid();
    public override string Name => "VirtSecurity.Engine";
    public override PSHostUserInterface UI => ui;
    public override Version Version { get; } = new(1, 0);

    public override void EnterNestedPrompt() => throw new NotSupportedException("The engine host has no nested prompt.");
    public override void ExitNestedPrompt() => throw new NotSupportedException("The engine host has no nested prompt.");
    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }

    public override void SetShouldExit(int exitCode) => Environment.ExitCode = exitCode;
}

/// <summary>What the console shows and answers.</summary>
internal sealed class EngineUI(Options options, TextWriter output) : PSHostUserInterface
{
    private int asked;

    /// <summary>Lines written straight to the console: WhatIf texts, and warnings after a stop.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Questions that were asked.</summary>
    public List<string> Questions { get; } = [];

    /// <summary>Told of each progress record.</summary>
    public Action<ProgressRecord>? OnProgress { get; set; }

    public override PSHostRawUserInterface RawUI { get; } = new EngineRawUI(options.Width);
    public override bool SupportsVirtualTerminal => false;

    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
    {
        Questions.Add(message);
        var answer = asked < options.Answers.Count ? options.Answers[asked] : 'y';
        asked++;
        var index = choices.ToList().FindIndex(choice => choice.Label.Contains("&" + answer, StringComparison.OrdinalIgnoreCase));
        return index < 0 ? defaultChoice : index;
    }

    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions) =>
        throw new NotSupportedException($"Nobody is there to answer: {message}");

    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName) =>
        throw new NotSupportedException($"Nobody is there to answer: {message}");

    public override PSCredential PromptForCredential(
        string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options) =>
        throw new NotSupportedException($"Nobody is there to answer: {message}");

    public override string ReadLine() => throw new NotSupportedException("Nobody is there to answer.");
    public override SecureString ReadLineAsSecureString() => throw new NotSupportedException("Nobody is there to answer.");

    public override void Write(string value) => output.Write(Plain(value));
    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => output.Write(Plain(value));

    public override void WriteLine(string value)
    {
        Lines.Add(Plain(value));
        output.WriteLine(Plain(value));
    }

    public override void WriteErrorLine(string value) => output.WriteLine(Plain(value));
    public override void WriteDebugLine(string message) => output.WriteLine("DEBUG: " + message);
    public override void WriteVerboseLine(string message) => output.WriteLine("VERBOSE: " + message);

    public override void WriteWarningLine(string message)
    {
        Lines.Add("WARNING: " + message);
        output.WriteLine("WARNING: " + message);
    }

    public override void WriteProgress(long sourceId, ProgressRecord record) => OnProgress?.Invoke(record);

    /// <summary>Without colours: taking them out is a host's work, and this one is no terminal.</summary>
    private static string Plain(string text) => new StringDecorated(text).ToString(OutputRendering.PlainText);
}

/// <summary>A screen of a fixed size that nothing is drawn on.</summary>
internal sealed class EngineRawUI(int width) : PSHostRawUserInterface
{
    public override ConsoleColor BackgroundColor { get; set; }
    public override Size BufferSize { get; set; } = new(width, 50);
    public override Coordinates CursorPosition { get; set; }
    public override int CursorSize { get; set; }
    public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.White;
    public override bool KeyAvailable => false;
    public override Size MaxPhysicalWindowSize => BufferSize;
    public override Size MaxWindowSize => BufferSize;
    public override Coordinates WindowPosition { get; set; }
    public override Size WindowSize { get; set; } = new(width, 50);
    public override string WindowTitle { get; set; } = "";

    public override void FlushInputBuffer()
    {
    }

    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw new NotSupportedException("Nothing is drawn.");
    public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NotSupportedException("Nobody is there to press a key.");
    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) => throw new NotSupportedException("Nothing is drawn.");
    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw new NotSupportedException("Nothing is drawn.");
    public override void SetBufferContents(Rectangle rectangle, BufferCell fill) => throw new NotSupportedException("Nothing is drawn.");
}
