using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text;
using VirtSecurity.Engine;

if (Options.Read(args) is not { } options)
{
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (options.Culture is { } culture) CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = culture;

// Over --xml the console is part of what is reported; otherwise it is the console.
using var console = new StringWriter();
var host = new EngineHost(options, options.Xml ? console : Console.Out);
var state = InitialSessionState.CreateDefault2();
if (options.Module is { } module) state.ImportPSModule([Path.GetFullPath(module)]);
using var runspace = RunspaceFactory.CreateRunspace(host, state);
runspace.Open();
using var shell = PowerShell.Create(runspace);
var failedImport = runspace.SessionStateProxy.PSVariable.GetValue("Error") is System.Collections.ArrayList { Count: > 0 } problems ? problems[0]!.ToString() : null;
if (failedImport is not null)
{
    Console.Error.WriteLine(failedImport);
    return 3;
}

host.Console.OnProgress = record =>
{
    if (options.StopOn is { } text && record.StatusDescription.Contains(text, StringComparison.Ordinal)) shell.BeginStop(null, null);
};

shell.AddScript(Console.In.ReadToEnd());
if (!options.Xml)
{
    shell.AddCommand("Out-Default");
    shell.Commands.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
}

var output = new PSDataCollection<PSObject>();
string? thrown = null;
try
{
    shell.Invoke(null, output);
}
catch (PipelineStoppedException)
{
    thrown = "stopped";
}
catch (RuntimeException problem)
{
    thrown = problem.Message;
    shell.Streams.Error.Add(problem.ErrorRecord);
}

if (!options.Xml)
{
    if (thrown is not null) Console.Error.WriteLine(thrown);
    return shell.HadErrors || thrown is not null ? 1 : 0;
}

var report = new PSObject();
void Add(string name, object? value) => report.Properties.Add(new PSNoteProperty(name, value));
Add("Output", output.ToArray());
Add("Errors", shell.Streams.Error.Select(record =>
{
    var error = new PSObject();
    error.Properties.Add(new PSNoteProperty("FullyQualifiedErrorId", record.FullyQualifiedErrorId));
    error.Properties.Add(new PSNoteProperty("Category", record.CategoryInfo.Category.ToString()));
    error.Properties.Add(new PSNoteProperty("Target", record.TargetObject?.ToString()));
    error.Properties.Add(new PSNoteProperty("Message", record.ErrorDetails?.Message ?? record.Exception.Message));
    error.Properties.Add(new PSNoteProperty("RecommendedAction", record.ErrorDetails?.RecommendedAction));
    error.Properties.Add(new PSNoteProperty("Exception", record.Exception.ToString()));
    return error;
}).ToArray());
Add("Warnings", shell.Streams.Warning.Select(record => record.Message).ToArray());
Add("Verbose", shell.Streams.Verbose.Select(record => record.Message).ToArray());
Add("Debug", shell.Streams.Debug.Select(record => record.Message).ToArray());
Add("Console", host.Console.Lines.ToArray());
Add("Questions", host.Console.Questions.ToArray());
Add("Rendered", console.ToString());
Add("Thrown", thrown);
Console.OutputEncoding = new UTF8Encoding(false);
Console.Out.Write(PSSerializer.Serialize(report, 5));
return 0;
